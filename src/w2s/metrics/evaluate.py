"""Metrics of one sample set: decode, extract features once, score each sampling seed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from w2s.device import pick
from w2s.errors import UserError
from w2s.job import Job
from w2s.metrics.settings import MetricSettings


def build(job: Job) -> dict:
    """Score the samples of all shards, seed by seed, against the reference.

    spec: a MetricSettings.  Parents: segment (final shards), vae, latents, features, reference.

    Writes images.npy (uint8 (n, H, W, 3)), features.npy (float32 (n, d)) and labels.npy (n,), all
    ordered by seed, then sample index, and metrics.json: `per_seed`, each metric's values in the
    order of `seeds`; `n`, samples per seed; `extractor`, the network's kind; `settings`.  Raises
    UserError where shards overlap or leave gaps, or where a seed has too few samples.
    """
    from w2s.metrics.extractors import Network
    from w2s.metrics.scores import Reference, score

    settings = MetricSettings(**job.spec)
    samples = _load_samples(job.parents["segment"])
    seeds, counts = np.unique(samples["seed"], return_counts=True)
    settings.check_count(int(counts.min()), "the samples of a seed")
    network = Network(job.parent("features"), pick(job.execution.device))
    settings.check_network(network.kind)
    reference = Reference(job.parent("reference"))
    settings.check_count(len(reference.features), "the reference's images")

    outputs, seconds = _decode_and_extract(job, samples["x"], network, settings.batch)
    np.save(job.out / "features.npy", outputs["features"])
    np.save(job.out / "labels.npy", samples["label"])

    start = time.perf_counter()
    per_seed: dict[str, list[float]] = {metric: [] for metric in settings.metrics}
    for seed in seeds:
        rows = samples["seed"] == seed
        own = {name: values[rows] for name, values in outputs.items()}
        values = score(own, samples["label"][rows], reference, network.heads, settings)
        job.log(f"seed {seed}: {values}")
        for metric, value in values.items():
            per_seed[metric].append(value)
    result = {
        "n": int(counts[0]),
        "seeds": seeds.tolist(),
        "per_seed": per_seed,
        "extractor": network.kind,
        "reference_images": len(reference.features),
        "settings": settings.model_dump(),
    }
    text = json.dumps(result, indent=1)
    (job.out / "metrics.json").write_text(text + "\n", encoding="utf-8")
    return {
        "seconds_decode": seconds,
        "seconds_features": network.seconds,
        "seconds_metrics": time.perf_counter() - start,
    }


def _load_samples(folders: list[Path]) -> dict[str, np.ndarray]:
    """x, index, label and seed of all shards, sorted by (seed, index)."""
    from safetensors import safe_open

    names = ("x", "index", "label", "seed")  # a state may hold a method's own tensors as well
    shards = []
    for folder in folders:
        with safe_open(folder / "state.safetensors", framework="numpy") as state:
            shards.append([state.get_tensor(name) for name in names])
    whole = [np.concatenate(parts) for parts in zip(*shards, strict=True)]
    samples = dict(zip(names, whole, strict=True))
    order = np.lexsort((samples["index"], samples["seed"]))
    samples = {name: values[order] for name, values in samples.items()}
    counts = np.unique(samples["seed"], return_counts=True)[1].tolist()
    within_seed = np.diff(samples["seed"]) == 0
    if len(set(counts)) != 1 or (np.diff(samples["index"])[within_seed] != 1).any():
        raise UserError(
            "the shards of this sample set do not fit together (samples twice or missing, "
            f"{counts} of the seeds): give the metrics every shard exactly once."
        )
    return samples


def _decode_and_extract(job: Job, latents: np.ndarray, network, batch: int):
    """Outputs of the network for the decoded samples, and the seconds that decoding took."""
    from w2s.data.latents import Latents
    from w2s.models.vae import decode, load_vae

    scale = Latents(job.parents["latents"])
    vae = load_vae(job.parent("vae")).to(network.device)
    parts, images, seconds = [], None, 0.0
    starts = range(0, len(latents), batch)
    for first in job.progress(starts, len(starts), "decoding batch"):
        start = time.perf_counter()
        decoded = decode(vae, scale.denormalise(latents[first : first + batch]), batch)
        seconds += time.perf_counter() - start
        if images is None:
            shape = (len(latents), *decoded.shape[1:])
            images = np.lib.format.open_memmap(
                job.out / "images.npy", mode="w+", dtype=np.uint8, shape=shape
            )
        images[first : first + batch] = decoded
        parts.append(network.extract(decoded))
    images.flush()
    outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return outputs, seconds

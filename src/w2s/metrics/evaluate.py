"""Kind `metrics`: the scores of a decoded sample set, seed by seed, against a reference."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from w2s.device import pick
from w2s.job import Job
from w2s.metrics.heads import read_heads
from w2s.metrics.real import Real
from w2s.metrics.registry import METRICS
from w2s.metrics.settings import MetricSettings


def build(job: Job) -> dict:
    """Compute the metrics that the spec names.

    spec: metrics, and of a MetricSettings what these read.  Parents: decoded, reference; and where
    decoded is of images alone, features, the network that says what metrics read of them: spec then
    has also batch, images per forward.

    Writes metrics.json: `per_seed`, each metric's values in the order of `seeds`; `n`, samples per
    seed; `reference_images`, how many real images they were compared with; `extractor`, the feature
    network's kind, and its size where that is a parameter; `settings`, the spec.  Raises UserError
    where there are too few images.
    """
    settings = MetricSettings(**job.spec)
    decoded, alone = job.parent("decoded"), "features" in job.parents
    described = job.parent("features") / "config.json" if alone else decoded / "network.json"
    network = json.loads(described.read_text(encoding="utf-8"))
    real = Real.of(job.parent("reference"), read_heads(network))
    of = np.load(decoded / "seeds.npy")
    seeds, counts = np.unique(of, return_counts=True)
    settings.check_count(int(counts.min()), "the samples of a seed")
    settings.check_count(len(real.features), "the reference's images")

    needed = sorted({name for metric in settings.metrics for name in METRICS[metric].needs})
    samples = _extracted(job, needed) if alone else _stored(decoded, needed)
    start = time.perf_counter()
    scorers = {metric: METRICS[metric].load() for metric in settings.metrics}
    per_seed: dict[str, list[float]] = {metric: [] for metric in scorers}
    for seed in job.progress(seeds, len(seeds), "scoring seed"):
        own = {name: values[of == seed] for name, values in samples.items()}
        for metric, scorer in scorers.items():
            per_seed[metric].append(scorer(own, real, settings))
    result = {
        "n": int(counts[0]),
        "seeds": seeds.tolist(),
        "per_seed": per_seed,
        "extractor": _named(network),
        "reference_images": len(real.features),
        "settings": job.spec,
    }
    text = json.dumps(result, indent=1)
    (job.out / "metrics.json").write_text(text + "\n", encoding="utf-8")
    job.log(json.dumps(per_seed))
    return {"seconds_metrics": time.perf_counter() - start}


def _named(network: dict) -> str:
    """A feature network in words."""
    depth = network.get("depth")
    return network["kind"] + (f", width {network['width']}, {depth} blocks" if depth else "")


def _stored(decoded: Path, needed: Sequence[str]) -> dict[str, np.ndarray]:
    """Arrays of a decoded sample set by name."""
    return {name: np.load(decoded / f"{name}.npy", mmap_mode="r") for name in needed}


def _extracted(job: Job, needed: Sequence[str]) -> dict[str, np.ndarray]:
    """The same, of what the feature network says of the set's images."""
    from w2s.metrics.extractors import Network

    network = Network(job.parent("features"), pick(job.execution.device))
    images, batch = np.load(job.parent("decoded") / "images.npy", mmap_mode="r"), job.spec["batch"]
    starts = range(0, len(images), batch)
    parts = [
        network.extract(np.array(images[first : first + batch]))
        for first in job.progress(starts, len(starts), "features of batch")
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in needed}

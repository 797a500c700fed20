"""Real images' features and statistics, and how real images score against them."""

from __future__ import annotations

import json

import numpy as np

from w2s.data.images import Images
from w2s.device import pick
from w2s.errors import UserError
from w2s.job import Job
from w2s.metrics.settings import MetricSettings

CHUNK = 16  # batches decoded from files at a time


def build(job: Job) -> dict:
    """Extract features of a seeded choice of real images; score others, held out, against them.

    spec: count and held_out (a folder with fewer images gives a fifth of them to held_out and
    the rest to the reference), resolution, seed, settings (a MetricSettings).  Parents: index,
    features and, for the toy, images.  The held-out score is the floor that a perfect generator
    of as many images would reach; the choice takes no heed of what the network was trained on.

    Writes features.npy (float32 (count, d)), stats.npz (mu, sigma; mu_s, sigma_s with Inception)
    and reference.json.  Raises UserError where the images are too few for the metrics.
    """
    from w2s.metrics.extractors import Network
    from w2s.metrics.scores import Reference, score, statistics

    spec, settings = job.spec, MetricSettings(**job.spec["settings"])
    network = Network(job.parent("features"), pick(job.execution.device))
    settings.check_network(network.kind)
    if network.resolution not in (None, spec["resolution"]):
        raise UserError(
            f"the feature network was trained at {network.resolution} pixels, the reference is "
            f"asked for at {spec['resolution']}: give both the same resolution."
        )
    real = Images.of(job, spec["resolution"])
    held_out = min(spec["held_out"], len(real) // 5)
    count = min(spec["count"], len(real) - held_out)
    settings.check_count(count, "the reference's images")
    settings.check_count(held_out, "the held-out real images")
    rows = np.random.default_rng(spec["seed"]).permutation(len(real))[: count + held_out]
    outputs = _extract(job, real, rows, network, settings.batch)
    chosen = {name: values[:count] for name, values in outputs.items()}
    others = {name: values[count:] for name, values in outputs.items()}

    np.save(job.out / "features.npy", chosen["features"])
    np.savez(job.out / "stats.npz", **statistics(chosen))
    labels = real.labels[rows]
    floor = score(others, labels[count:], Reference(job.out), network.heads, settings)
    facts = {"count": count, "held_out": held_out, "floor": floor}
    if network.heads:
        accuracy, confidence = network.heads.judge(chosen["logits"], labels[:count])
        facts |= {"accuracy": accuracy, "confidence": confidence}
    text = json.dumps(facts, indent=1)
    (job.out / "reference.json").write_text(text + "\n", encoding="utf-8")
    job.log(f"held-out real images score {floor}")
    return {**facts, "seconds_features": network.seconds}


def _extract(job: Job, real: Images, rows, network, batch: int) -> dict[str, np.ndarray]:
    """The network's outputs for all rows, reading a bounded number of images at a time."""
    chunks = [rows[i : i + CHUNK * batch] for i in range(0, len(rows), CHUNK * batch)]
    parts = [
        network.extract_all(real.read(chunk), batch)
        for chunk in job.progress(chunks, len(chunks), "reference images, part")
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

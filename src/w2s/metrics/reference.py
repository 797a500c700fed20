"""Kind `reference`: real images that samples are compared with, as features and statistics.

What rests on the real images alone is computed here, once for all sample sets: the statistics of
FD and sFD, and the radii of the real manifold of precision.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np

from w2s.data.images import Images
from w2s.device import pick
from w2s.errors import UserError
from w2s.job import Job
from w2s.metrics.adm import ADM

CHUNK = 16  # batches held in memory at a time


def build(job: Job) -> dict:
    """Extract features of real images and compute what only they decide.

    spec: kind, batch (images per forward), neighbourhood (k of the manifold).  Of kind "images":
    count (None for all; at most as many as there are), seed of the choice, resolution; parents
    index and, for the rendered world, images.  Of kind "adm": fingerprint; job.local["path"] is
    ADM's statistics file.  Parent of both: features.

    Writes features.npy (float32 (n, d)), stats.npz (float32 mu, float64 sigma; mu_s, sigma_s with
    Inception), radii.npy (float32 (n,)) and reference.json (count; statistics, what mu and sigma
    are of).  Raises UserError for a file that is not ADM's, and where there are too few images.
    """
    from w2s.metrics.extractors import Network
    from w2s.metrics.scores import radii, statistics

    network = Network(job.parent("features"), pick(job.execution.device))
    adm = ADM(job.local["path"]) if job.spec["kind"] == "adm" else None
    count, read = (adm.count, adm.images) if adm else _chosen(job, network)
    if count <= (k := job.spec["neighbourhood"]):
        raise UserError(
            f"the reference has {count} images, but its manifold needs more than "
            f"{k}: raise their number or lower metrics.prc_neighbourhood"
        )
    outputs = _extract(job, count, read, network)
    stats = adm.statistics() if adm else statistics(outputs)
    np.save(job.out / "features.npy", outputs["features"])
    np.savez(job.out / "stats.npz", **stats)
    np.save(job.out / "radii.npy", radii(outputs["features"], k))
    facts = {"count": count, "statistics": "ADM's, of the whole training set" if adm else "these"}
    text = json.dumps(facts, indent=1)
    (job.out / "reference.json").write_text(text + "\n", encoding="utf-8")
    return {**facts, "seconds_features": network.seconds}


def _chosen(job: Job, network) -> tuple[int, Callable[[slice], np.ndarray]]:
    """A seeded choice of the index's images: how many, and what reads some of them."""
    spec = job.spec
    if network.resolution not in (None, spec["resolution"]):
        raise UserError(
            f"the feature network was trained at {network.resolution} pixels, the reference is "
            f"asked for at {spec['resolution']}: give both the same resolution."
        )
    real = Images.of(job, spec["resolution"])
    rows = np.random.default_rng(spec["seed"]).permutation(len(real))[: spec["count"]]
    return len(rows), lambda here: real.read(rows[here])


def _extract(job: Job, count: int, read: Callable, network) -> dict[str, np.ndarray]:
    """The network's outputs for all images, reading a bounded number at a time."""
    batch = job.spec["batch"]
    starts = range(0, count, CHUNK * batch)
    parts = [
        network.extract_all(read(slice(first, first + CHUNK * batch)), batch)
        for first in job.progress(starts, len(starts), "reference images, part")
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

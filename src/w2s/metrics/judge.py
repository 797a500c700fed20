"""Kind `judge`: the scores of points of a world, seed by seed, against their true distribution."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from w2s.errors import UserError
from w2s.files import write_json
from w2s.job import Job
from w2s.metrics.point_registry import POINT_SCORES
from w2s.metrics.sample_sets import load_samples
from w2s.plane.scores import Judge
from w2s.plane.tree import Components, World, balanced


def build(job: Job) -> None:
    """Score drawn points, or a fresh true sample: the floor of what they can reach.

    Spec: of a true sample seeds and per_seed, points under each; of drawn points nothing.
    Parents: points, whose world is the truth; of drawn points segment, all final shards.

    Writes points.npy, float32 (n, 2), and labels.npy, int64 (n,), the points of the first seed; and
    metrics.json: `per_seed`, the values of each of `w2s.metrics.point_registry.POINT_SCORES` in the
    order of `seeds`; `n`, points of each seed.  Raises UserError where shards overlap or leave
    gaps, and for points that are not finite or too few or too many to judge.
    """
    facts = json.loads((job.parent("points") / "latents.json").read_text(encoding="utf-8"))
    truth = World(**facts["world"]).grow()
    shards = job.parents.get("segment")
    sets = _drawn(shards) if shards else _true(truth, job.spec["seeds"], job.spec["per_seed"])
    count = len(next(iter(sets.values()))[0])
    try:
        judge = Judge(truth, count, facts["within"])
        scores = [judge.score(*sets[s]) for s in job.progress(sets, len(sets), "judging seed")]
    except ValueError as problem:
        raise UserError(f"{problem}: change how many points are drawn under each seed") from None
    points, labels = next(iter(sets.values()))
    np.save(job.out / "points.npy", points.astype(np.float32))
    np.save(job.out / "labels.npy", labels)
    per_seed = {name: [score[name] for score in scores] for name in POINT_SCORES}
    write_json(job.out / "metrics.json", {"n": count, "seeds": list(sets), "per_seed": per_seed})
    job.log(json.dumps(per_seed))


Sets = dict[int, tuple[np.ndarray, np.ndarray]]  # points (n, 2) and labels (n,) by seed


def _drawn(shards: list[Path]) -> Sets:
    samples = load_samples(shards)
    points, labels, of = samples["x"][:, :, 0, 0], samples["label"], samples["seed"]
    if not np.isfinite(points).all():
        raise UserError("drawn points are not finite: lower the weight of their guidance")
    return {int(seed): (points[of == seed], labels[of == seed]) for seed in np.unique(of)}


def _true(truth: Components, seeds: list[int], per_seed: int) -> Sets:
    labels = balanced(per_seed, truth.classes)
    return {seed: (truth.draw(labels, seed), labels) for seed in seeds}

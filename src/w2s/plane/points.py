"""Kind `points`: points of a world to train on, in the format of kind `latents`."""

from __future__ import annotations

import numpy as np

from w2s.files import write_json
from w2s.job import Job
from w2s.plane.scores import distances_within
from w2s.plane.tree import World, balanced


def build(job: Job) -> None:
    """Draw points, their classes in turn.

    Spec: world (the fields of a World), count, seed; `Components.draw` says what point i depends
    on.  Writes mean.npy, float32 (count, 2, 1, 1), the points; std.npy, zeros; rows.npy and
    labels.npy, int64 (count,); and latents.json, with shift 0 and scale 1, with the `world` and
    with what its judges need of it, `within` of `w2s.plane.scores.distances_within`.
    """
    spec = job.spec
    world = World(**spec["world"])
    labels = balanced(spec["count"], world.classes)
    truth = world.grow()
    points = truth.draw(labels, spec["seed"]).astype(np.float32)[..., None, None]
    arrays = {"mean": points, "std": np.zeros_like(points), "rows": np.arange(spec["count"])}
    for name, values in (arrays | {"labels": labels}).items():
        np.save(job.out / f"{name}.npy", values)
    shape = {"classes": world.classes, "channels": 2, "size": 1, "shift": 0.0, "scale": 1.0}
    known = {"world": world.model_dump(), "within": distances_within(truth)}
    write_json(job.out / "latents.json", shape | known)

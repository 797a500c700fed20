"""Pictures of rows whose samples are points: over the density that they should have."""

from __future__ import annotations

import json
from pathlib import Path

from w2s.plan.facts import RowFacts, TableFacts
from w2s.report.points import density_grid, panels_over_density
from w2s.store import folders

REACH = 1.15  # of the furthest true training point, along either axis


def draw_points(path: Path, key: str, table: TableFacts, rows: list[RowFacts]) -> None:
    """A panel for each row: the points of the first seed, in the colours of their classes."""
    import numpy as np

    world = folders.verified_or_set_aside("points", table.index)
    reach = REACH * float(np.abs(np.load(world / "mean.npy")).max())
    clouds = []
    for row in rows:
        judged = folders.verified_or_set_aside(row.kind, row.shown)
        clouds.append((row.label, np.load(judged / "points.npy"), np.load(judged / "labels.npy")))
    panels_over_density(path, key, _density(world, reach), reach, clouds)


def _density(world: Path, reach: float):
    """Where the world's points are likely, at the places of `density_grid`."""
    import torch

    from w2s.plane.mixture import Mixture
    from w2s.plane.tree import World

    facts = json.loads((world / "latents.json").read_text(encoding="utf-8"))
    mixture = Mixture(World(**facts["world"]).grow())
    return mixture.log_density(torch.from_numpy(density_grid(reach)), 0.0).exp().numpy()

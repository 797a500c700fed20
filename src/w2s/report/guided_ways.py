"""Guidance in two dimensions as a picture: truth and guidances side by side, their ways drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from w2s.report.points import backdrop, colours_of, density_grid, scatter
from w2s.report.probes import Probed
from w2s.report.style import TEXT_WIDTH, caption, figure

ROOM = 1.15  # of a panel, over the farthest true point
WAYS = "Colours are classes, lines the ways of the first 20 points from noise, shades the density."


def guided_ways(path: Path, key: str, title: str, probes: list[Probed]) -> None:
    """Write a PNG: a row for each probe, with a panel for the truth and for every guidance.

    Shown are the first seed's points and, as lines, the ways of the first of them, over the
    density of all classes together.
    """
    from safetensors.numpy import load_file

    across = 1 + max(len(probe.shown) for probe in probes)
    height = (TEXT_WIDTH / across + 0.14) * len(probes) + 0.45
    with figure(path, key, TEXT_WIDTH, height) as fig:
        grid = fig.subplots(len(probes), across, squeeze=False)
        for line, probe in zip(grid, probes, strict=True):
            kept = load_file(probe.folder / "paths.safetensors")
            reach = ROOM * float(np.abs(kept["true"]).max())
            density, labels = _density(probe.world, reach), kept["labels"]
            line[0].set_ylabel(probe.label)
            panels = [("truth", kept["true"], np.empty((0, 0, 2)))]
            panels += [
                (shown.label, kept[f"points/{shown.name}"], kept[f"paths/{shown.name}"])
                for shown in probe.shown
            ]
            for axes, (name, points, ways) in zip(line, panels, strict=False):
                backdrop(axes, density, reach)
                axes.set_title(name, loc="left", pad=3)
                scatter(axes, points, labels)
                for way, colour in zip(ways.transpose(1, 0, 2), colours_of(labels), strict=False):
                    axes.plot(*way.T, color=colour, lw=0.5, zorder=3)
            for axes in line[len(panels) :]:
                axes.set_axis_off()
        sizes = "; ".join(
            f"{probe.label}: {probe.found['n']} points of seed {probe.found['seeds'][0]}"
            for probe in probes
        )
        caption(fig, f"{title} {sizes}. {WAYS}")


def _density(world: dict, reach: float) -> np.ndarray:
    """That of all points, at the places of `density_grid`."""
    import torch

    from w2s.plane.mixture import Mixture
    from w2s.plane.tree import World

    places = torch.from_numpy(density_grid(reach))
    return Mixture(World(**world).grow()).log_density(places, 0.0).exp().numpy()

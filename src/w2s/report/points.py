"""Points in the plane over the density they should have, and the paths that led there."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from w2s.report.style import COLOURS, COLUMN_WIDTH, GREY, TEXT_WIDTH, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GRID = 240  # pixels a side of the density
PANELS = 4  # side by side
LETTERS = 17  # of a title in an inch
Cloud = tuple[str, np.ndarray, np.ndarray]  # title, points (N, 2), classes (N,)
Paths = tuple[str, np.ndarray, np.ndarray, np.ndarray]
"""Title, two runs' places (steps + 1, n, 2) from the same noise, and classes (n,)."""


def density_grid(reach: float) -> np.ndarray:
    """The places (GRID * GRID, 2), row by row, where the picture wants the density."""
    axis = np.linspace(-reach, reach, GRID)
    return np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)


def points_over_density(
    path: Path, key: str, density: np.ndarray, reach: float, clouds: list[Cloud], paths: Paths
) -> None:
    """Write a PNG with a panel per cloud and one with the paths, from noise to their dots.

    The first run's paths are grey, the second's have their classes' colours.

    density: at the places of `density_grid(reach)`; panels show [-reach, reach] on both axes.
    """
    count = len(clouds) + 1
    with figure(path, key, TEXT_WIDTH, TEXT_WIDTH / count + 0.2) as fig:
        panels = fig.subplots(1, count, squeeze=False)[0]
        title_of_paths, *runs, classes = paths
        titles = [*(title for title, *_ in clouds), title_of_paths]
        for axes, title in zip(panels, titles, strict=True):
            backdrop(axes, density, reach)
            axes.set_title(title, loc="left", pad=3)
        for axes, (_, points, labels) in zip(panels, clouds, strict=False):
            scatter(axes, points, labels)
        for places, colours in zip(runs, ([GREY] * len(classes), colours_of(classes)), strict=True):
            for line, colour in zip(places.transpose(1, 0, 2), colours, strict=True):
                panels[-1].plot(*line.T, color=colour, lw=0.6, zorder=2)
                panels[-1].plot(*line[-1], "o", color=colour, ms=2, mew=0, zorder=3)


def panels_over_density(
    path: Path, key: str, density: np.ndarray, reach: float, clouds: list[Cloud]
) -> None:
    """Write a PNG with a panel per cloud, `PANELS` side by side; see `points_over_density`."""
    columns = min(PANELS, len(clouds))
    lines = -(-len(clouds) // columns)
    side = min(TEXT_WIDTH / columns, COLUMN_WIDTH)
    with figure(path, key, columns * side, lines * (side + 0.2)) as fig:
        panels = fig.subplots(lines, columns, squeeze=False).ravel()
        for axes, (title, points, labels) in zip(panels, clouds, strict=False):
            backdrop(axes, density, reach)
            axes.set_title(fill(title, round(LETTERS * side)), loc="left", pad=3)
            scatter(axes, points, labels)
        for axes in panels[len(clouds) :]:
            axes.remove()


def scatter(axes: Axes, points: np.ndarray, labels: np.ndarray) -> None:
    size = min(2.0, 3000 / len(points))
    axes.scatter(*points.T, s=size, c=colours_of(labels), lw=0, alpha=0.7, zorder=2)


def backdrop(axes: Axes, density: np.ndarray, reach: float) -> None:
    shade = np.sqrt(density / density.max()).reshape(GRID, GRID)  # the root shows thin branches
    extent = (-reach, reach, -reach, reach)
    axes.imshow(shade, extent=extent, origin="lower", cmap="Greys", vmin=0, vmax=1.6, zorder=1)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
    for spine in axes.spines.values():
        spine.set(visible=True, color=GREY)


def colours_of(classes: np.ndarray) -> list[str]:
    return [COLOURS[int(c) % len(COLOURS)] for c in classes]

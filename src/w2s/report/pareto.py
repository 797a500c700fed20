"""What a weight buys and costs: one curve per method along a sweep of its weight."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from w2s.report.style import COLOURS, COLUMN_WIDTH, TEXT_WIDTH, figure, line_style, log_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

MARKERS = "osD^vP*"
LEGEND_COLUMNS = 3
SPREAD = 4  # ratio of largest to smallest y beyond which the axis is logarithmic
OFFSETS = ((4, 4), (4, -4), (-4, 4), (-4, -4), (5, 0), (-5, 0), (0, 6), (0, -6), (8, 6), (-8, 6))
Point = tuple[float, float, float, float, float]  # x, half interval, y, half interval, weight


def pareto(
    path: Path,
    key: str,
    curves: dict[str, list[Point]],
    xlabel: str,
    ylabel: str,
    weights: bool = True,
) -> None:
    """Write a PNG of y against x with intervals; points are joined in the order given.

    curves: method name -> [(x, half interval of x, y, half interval of y, weight)].
    weights: whether to write them beside their points.
    """
    many = len(curves) > len(COLOURS)
    width, columns = (TEXT_WIDTH, 2 * LEGEND_COLUMNS) if many else (COLUMN_WIDTH, LEGEND_COLUMNS)
    height = (4.2 if many else 2.8) + 0.14 * math.ceil(len(curves) / columns)
    with figure(path, key, width, height) as fig:
        axes = fig.add_subplot()
        for index, (name, points) in enumerate(curves.items()):
            x, xerr, y, yerr, _ = zip(*points, strict=True)
            axes.errorbar(
                x,
                y,
                yerr,
                xerr,
                label=name,
                marker=MARKERS[(index + index // len(COLOURS)) % len(MARKERS)],
                markersize=3,
                elinewidth=0.5,
                **line_style(index),
            )
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.margins(0.1)
        heights = [y for points in curves.values() for _, _, y, _, _ in points]
        if min(heights) > 0 and max(heights) > SPREAD * min(heights):
            log_scale(axes)
        axes.grid()
        axes.set_axisbelow(True)
        fig.legend(loc="outside upper center", ncols=columns)
        if weights:
            fig.draw_without_rendering()
            label_weights(axes, curves)


def label_weights(axes: Axes, curves: dict[str, list[Point]]) -> None:
    """Write each weight beside its point where there is room; a crowded point stays unlabelled."""
    from matplotlib.patheffects import withStroke

    taken = _obstacles(axes, curves)
    labelled = set()
    for index, curve in enumerate(curves.values()):
        for x, _, y, _, weight in curve:
            if (x, y, weight) in labelled:  # methods meet where w = 1
                continue
            labelled.add((x, y, weight))
            for dx, dy in OFFSETS:
                text = axes.annotate(
                    f"{weight:g}",
                    (x, y),
                    (dx, dy),
                    textcoords="offset points",
                    ha={-1: "right", 0: "center", 1: "left"}[(dx > 0) - (dx < 0)],
                    va="center",
                    fontsize=5.5,
                    color=line_style(index)["color"],
                    path_effects=[withStroke(linewidth=1.2, foreground="white")],
                )
                box = text.get_window_extent()
                if not any(box.overlaps(other) for other in taken):
                    taken.append(box)
                    break
                text.remove()


def _obstacles(axes: Axes, curves: dict[str, list[Point]]) -> list[Bbox]:
    """Boxes of three pixels along every line and error bar."""
    import numpy as np
    from matplotlib.transforms import Bbox

    segments = []
    for curve in curves.values():
        points = np.array(curve, dtype=float)
        centre, x_half, y_half = points[:, [0, 2]], points[:, 1], points[:, 3]
        zero = np.zeros(len(points))
        for half in (np.stack([x_half, zero], 1), np.stack([zero, y_half], 1)):
            segments += list(zip(centre - half, centre + half, strict=True))
        segments += list(pairwise(centre))
    boxes = []
    for ends in segments:
        start, end = axes.transData.transform(ends)
        steps = int(np.abs(end - start).max() // 3) + 2
        boxes += [
            Bbox.from_bounds(x - 1.5, y - 1.5, 3, 3) for x, y in np.linspace(start, end, steps)
        ]
    return boxes

"""What a weight buys and costs: one curve per method along a sweep of its weight."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from w2s.report.style import COLUMN_WIDTH, figure, line_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "osD^vP*"
Point = tuple[float, float, float, float, float]  # x, half interval, y, half interval, weight


def pareto(
    path: Path, key: str, curves: dict[str, list[Point]], xlabel: str, ylabel: str
) -> None:
    """Write a PNG of y against x with intervals; points are joined in the order given.

    curves: method name -> [(x, half interval of x, y, half interval of y, weight)].
    """
    with figure(path, key, COLUMN_WIDTH, 3.1) as fig:
        axes = fig.add_subplot()
        for index, (name, points) in enumerate(curves.items()):
            x, xerr, y, yerr, _ = zip(*points, strict=True)
            axes.errorbar(
                x,
                y,
                yerr,
                xerr,
                label=name,
                marker=MARKERS[index % len(MARKERS)],
                markersize=3,
                elinewidth=0.5,
                **line_style(index),
            )
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.margins(0.1)
        axes.grid()
        axes.set_axisbelow(True)
        fig.legend(loc="outside upper center", ncols=3)
        fig.draw_without_rendering()
        _label_weights(axes, curves)


def _label_weights(axes: Axes, curves: dict[str, list[Point]]) -> None:
    """Write each weight beside its point where there is room; a crowded point stays unlabelled."""
    from matplotlib.transforms import Bbox

    points = [(p[0], p[2]) for curve in curves.values() for p in curve]
    unit = axes.figure.dpi / 72  # pixels per point
    taken = [
        Bbox.from_bounds(x - 2 * unit, y - 2 * unit, 4 * unit, 4 * unit)
        for x, y in axes.transData.transform(points)
    ]
    offsets = [(4, 4), (4, -8), (-4, 4), (-4, -8), (5, -2), (-5, -2)]
    for index, curve in enumerate(curves.values()):
        for x, _, y, _, weight in curve:
            for dx, dy in offsets:
                text = axes.annotate(
                    f"{weight:g}",
                    (x, y),
                    (dx, dy),
                    textcoords="offset points",
                    ha="left" if dx > 0 else "right",
                    fontsize=5.5,
                    color=line_style(index)["color"],
                )
                box = text.get_window_extent()
                if not any(box.overlaps(other) for other in taken):
                    taken.append(box)
                    break
                text.remove()

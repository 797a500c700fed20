"""Optimal velocity: how far guided velocities are from true ones, and where guidance points."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from w2s.report.probes import Probed, draw_curve, line_of, noise_axis
from w2s.report.style import GREY, TEXT_WIDTH, caption, figure, log_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURES = {
    "distance": "distance to the\ntrue velocity",
    "best_weight": "least-squares\nweight w*",
    "cosine": "cosine of direction\nand true error",
}
PATHS = {"marginal": "noised true points", "own": "each guidance's own path"}
MOST = 5.0  # weights beyond are cut off: they tend to infinity where a direction tends to 0


def optimal_velocity(path: Path, key: str, title: str, probes: list[Probed]) -> None:
    """Write a PNG: a row of panels for each probe and path, from noise (left) to data.

    Its columns are the figures of `w2s.metrics.probe.VELOCITY`.  Lines of equal values are drawn
    once: at noised true points the weights of one method share direction and best weight.
    """
    rows = [(probe, way) for probe in probes for way in PATHS]
    with figure(path, key, TEXT_WIDTH, 1.32 * len(rows) + 0.75) as fig:
        panels = fig.subplots(len(rows), len(FIGURES), squeeze=False)
        for line, (probe, way) in zip(panels, rows, strict=True):
            for axes, (name, text) in zip(line, FIGURES.items(), strict=True):
                _panel(axes, probe, way, name)
                axes.set_ylabel(text)
            line[0].set_title(f"{probe.label}; {PATHS[way]}", loc="left", pad=3)
        for axes in panels[-1]:
            axes.set_xlabel("t  (1 = noise, 0 = data)")
        handles = {a.get_label(): a for line in panels for a in line[0].get_lines()}
        drawn = {label: a for label, a in handles.items() if not label.startswith("_")}
        fig.legend(drawn.values(), drawn.keys(), loc="outside upper center", ncols=4)
        said = "; ".join(probe.said() for probe in probes)
        caption(fig, f"{title} {said}. Lines are means, bands 95 % t intervals over them.")


def _panel(axes: Axes, probe: Probed, way: str, name: str) -> None:
    times, drawn = probe.times[:-1], []
    for shown in probe.shown:
        mean, half = probe.curve(way, shown.name, name)
        if np.isnan(mean).all() or any(np.array_equal(mean, d, equal_nan=True) for d in drawn):
            continue
        drawn.append(mean)
        draw_curve(axes, times, mean, half, label=shown.label, **line_of(shown, probe.shown))
    noise_axis(axes, times)
    if name == "distance":
        log_scale(axes)
        return
    middle = 1 if name == "best_weight" else 0
    axes.axhline(middle, color=GREY, lw=0.6, zorder=1)
    if drawn and name == "best_weight":
        low, high = np.nanmin(drawn), np.nanmax(drawn)
        axes.set_ylim(max(low, 2 - MOST) - 0.1, min(high, MOST) + 0.1)

"""Probes as figures show them: each with its guidances, means over seeds and intervals."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from w2s.metrics.intervals import t_quantile
from w2s.params.probes import NONE
from w2s.report.style import COLOURS, DASHES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = {  # by the class of method that a guidance is known by; others have the colours that are left
    NONE: COLOURS[-1],
    "cfg": COLOURS[0],
    "autoguidance": COLOURS[1],
    "tv_cfg": COLOURS[2],
    "adg": COLOURS[3],
}
TICKS = (1, 0.3, 0.1, 0.03, 0.01)  # of t
SEVERAL = COLOURS[2]  # of a guidance with windows of several methods


@dataclass(frozen=True)
class Shown:
    """A guidance of a probe: its names, and its method and weight if it is one window."""

    name: str
    label: str
    method: str | None = None
    weight: float | None = None


@dataclass(frozen=True)
class Probed:
    """A probe that was made."""

    label: str
    over: str  # what the replicates differ in
    shown: tuple[Shown, ...]
    found: dict  # probe.json
    folder: Path
    world: dict | None = None  # the fields of a World, where the truth is one

    @property
    def times(self) -> np.ndarray:
        """The times (T,) of the solver, falling from 1 to 0."""
        return np.array(self.found["times"])

    def curve(self, path: str, name: str, figure: str) -> tuple[np.ndarray, np.ndarray]:
        """Mean over seeds and half of its 95 % t interval, by time; NaN where there is no value.

        path: "own" or "marginal".  With a single seed every interval is NaN.
        """
        values = np.array(self.found[path][name][figure], dtype=float)  # null becomes NaN
        return mean_and_half(values)

    def said(self) -> str:
        """How many points there are, and what the intervals are over."""
        seeds, count = len(self.found["seeds"]), self.found["n"]
        return f"{self.label}: {count} points under each of {seeds} {self.over}"


def mean_and_half(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of values (seeds, T) the mean (T,) and half of its 95 % t interval."""
    count = len(values)
    if count == 1:
        return values[0], np.full(values.shape[1:], np.nan)
    half = t_quantile(count - 1) / math.sqrt(count) * values.std(0, ddof=1)
    return values.mean(0), half


def read_probe(folder: Path, facts: dict) -> Probed:
    """The probe in a node's folder; facts: what the plan says of it."""
    found = json.loads((folder / "probe.json").read_text(encoding="utf-8"))
    shown = tuple(Shown(**entry) for entry in facts["guidance"])
    return Probed(facts["label"], facts["over"], shown, found, folder, facts.get("world"))


def line_of(shown: Shown, among: tuple[Shown, ...]) -> dict:
    """Colour of the guidance's method; the dash tells weights of one method apart."""
    if shown.name == NONE:
        return {"color": INK[NONE], "linestyle": DASHES[0]}
    alike = [other.name for other in among if other.method == shown.method and other.name != NONE]
    colour = INK.get(shown.method, COLOURS[4]) if shown.method else SEVERAL
    return {"color": colour, "linestyle": DASHES[alike.index(shown.name) % len(DASHES)]}


def draw_curve(axes: Axes, x: np.ndarray, mean: np.ndarray, half: np.ndarray, **style) -> None:
    """A line and the band of its interval."""
    axes.plot(x, mean, **style)
    axes.fill_between(x, mean - half, mean + half, color=style["color"], alpha=0.2, lw=0)


def noise_axis(axes: Axes, times: np.ndarray) -> None:
    """An x axis of t from 1, noise, to the least of some times above 0, logarithmic."""
    least = times[times > 0].min()
    axes.set_xscale("log")
    axes.set(xlim=(1.05, 0.95 * least), xticks=[t for t in TICKS if t >= least])
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(lambda t, _: f"{t:g}")
    axes.grid(axis="y")

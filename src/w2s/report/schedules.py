"""Which guidance acts when: each row's methods and weights against the noise level."""

from __future__ import annotations

import math
from collections import Counter
from itertools import groupby
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from w2s.report.style import GREY, TEXT_WIDTH, figure, line_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PER_LINE = 4
TITLE = 26  # characters per line of a panel's title


def weight_schedules(
    path: Path,
    key: str,
    rows: list[tuple[str, list[float], list[tuple[str | None, float | None]]]],
) -> None:
    """Write a PNG with a panel per row: its weight from t = 1 (noise, left) to t = 0 (data).

    rows: (label, the N + 1 falling times, [(method name, weight)] of the N steps). A method of
        None is plain conditional sampling; a weight of None is a method that has no single
        weight, shaded over the whole height.
    """
    styles = method_styles([steps for *_, steps in rows])
    weights = [w for *_, steps in rows for _, w in steps if w is not None]
    low, high = min([*weights, 1]), max([*weights, 2])
    room = 0.08 * (high - low)
    lines = math.ceil(len(rows) / PER_LINE)
    across = min(PER_LINE, len(rows))
    with figure(path, key, TEXT_WIDTH * max(across / PER_LINE, 0.5), 0.95 * lines + 0.55) as fig:
        panels = fig.subplots(lines, across, sharex=True, sharey=True, squeeze=False)
        for axes, (label, times, steps) in zip(panels.flat, rows, strict=False):
            axes.set(xlim=(1, 0), ylim=(low - room, high + room), xticks=[1, 0.5, 0])
            _panel(axes, times, steps, styles)
            axes.set_title(fill(label.replace(" = ", "\xa0=\xa0"), TITLE), loc="left", pad=3)
        for axes in panels.flat[len(rows) :]:
            axes.set_axis_off()
        for axes in panels.flat[max(len(rows) - across, 0) : len(rows)]:
            axes.tick_params(labelbottom=True)
        fig.supxlabel("t  (1 = noise, 0 = data)", fontsize=7)
        fig.supylabel("weight w", fontsize=7)
        _legend(fig, styles)


def method_styles(schedules: list[list[tuple[str | None, float | None]]]) -> dict[str, dict]:
    """Colour and dash of each method, those of most rows first: the plainest are the commonest."""
    used = Counter(name for steps in schedules for name in dict.fromkeys(m for m, _ in steps if m))
    return {name: line_style(i) for i, (name, _) in enumerate(used.most_common())}


def _panel(axes: Axes, times: list[float], steps: list, styles: dict[str, dict]) -> None:
    bottom, top = axes.get_ylim()
    axes.axhline(1, color=GREY, lw=0.6, zorder=1)
    spans = zip(times[:-1], times[1:], steps, strict=True)
    for (name, unweighted), run in groupby(spans, lambda span: (span[2][0], span[2][1] is None)):
        if name is None:
            continue
        starts, ends, guidance = zip(*run, strict=True)
        edges = [*starts, ends[-1]]
        if unweighted:
            colour = styles[name]["color"]
            axes.fill_between(edges, bottom, top, color=colour, alpha=0.25, lw=0, hatch="////")
            continue
        weights = [weight for _, weight in guidance]
        area = {"fill": True, "color": styles[name]["color"], "alpha": 0.25, "lw": 0}
        axes.stairs(weights[::-1], edges[::-1], baseline=1, **area)
        axes.stairs(weights[::-1], edges[::-1], baseline=None, **styles[name])


def _legend(fig, styles: dict[str, dict]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=name, **style) for name, style in styles.items()]
    handles.append(Line2D([], [], color=GREY, lw=0.6, label="w = 1: unguided"))
    fig.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 7))

"""Stages of guidance: what becomes of points on their way, and of their norm as weights grow."""

from __future__ import annotations

from pathlib import Path

from w2s.guidance.registry import METHODS
from w2s.report.probes import INK, NONE, Probed, draw_curve, line_of, noise_axis
from w2s.report.style import COLOURS, GREY, TEXT_WIDTH, caption, figure

PREDICTED = {  # by arXiv 2509.22007 of CFG, stage by stage; the norm and the spread have none
    "drift": ("1 direction shift:\nmean, outward of the truth", "predicted: above 0"),
    "norm": ("1 direction shift:\nnorm over the truth's", "predicted: above 1"),
    "weaker_modes": ("2 mode separation:\nmass of weaker modes", "predicted: below 1"),
    "within_modes": ("3 concentration:\nvariance within modes", "predicted: below 1"),
}
OVER_WEIGHTS = {"norm": "norm over the truth's", "spread": "spread over the truth's"}


def stages(path: Path, key: str, title: str, probes: list[Probed]) -> None:
    """Write a PNG: a row for each probe, a panel for each stage's figure from noise to data.

    Grey lines are the values of true points.  The figures are those of `w2s.plane.stages`; the
    last place on the axis stands for t = 0, which a logarithm does not have.
    """
    from w2s.plane.stages import STAGES  # imports torch, which no other figure needs

    with figure(path, key, TEXT_WIDTH, 1.75 * len(probes) + 0.85) as fig:
        panels = fig.subplots(len(probes), len(PREDICTED), squeeze=False)
        for line, probe in zip(panels, probes, strict=True):
            times = probe.times.copy()
            times[-1] = times[-2] / 2
            for axes, (name, (text, predicted)) in zip(line, PREDICTED.items(), strict=True):
                axes.axhline(STAGES[name], color=GREY, lw=0.8, zorder=1)
                for shown in probe.shown:
                    mean, half = probe.curve("own", shown.name, name)
                    style = line_of(shown, probe.shown)
                    draw_curve(axes, times, mean, half, label=shown.label, **style)
                noise_axis(axes, times)
                axes.set_title(f"{text}\n({predicted})", loc="left", pad=3)
                axes.set_xlabel("t  (1 = noise, 0 = data)")
        handles = panels[0, 0].get_lines()[1:]
        fig.legend(handles=handles, loc="outside upper center", ncols=5)
        said = "; ".join(probe.said() for probe in probes)
        text = "Lines are means, bands 95 % t intervals over them, grey the true points' values."
        caption(fig, f"{title} {said}. {text}")


def norms(path: Path, key: str, title: str, probes: list[Probed]) -> None:
    """Write a PNG of norm and spread at t = 0 against the weight: a row of panels for each probe.

    A line for each method; no guidance is the weight 1 of all of them.
    """
    with figure(path, key, TEXT_WIDTH, 1.9 * len(probes) + 0.6) as fig:
        panels = fig.subplots(len(probes), len(OVER_WEIGHTS), squeeze=False)
        for line, probe in zip(panels, probes, strict=True):
            weighed = [s for s in probe.shown if s.weight is not None]
            methods = dict.fromkeys(s.method for s in weighed)
            for axes, (name, text) in zip(line, OVER_WEIGHTS.items(), strict=True):
                axes.axhline(1, color=GREY, lw=0.8, zorder=1)
                for method in methods:
                    entries = [s for s in weighed if s.method == method]
                    points = [_end(probe, s, name) for s in [NONE, *(e.name for e in entries)]]
                    means, halves = zip(*points, strict=True)
                    axes.errorbar(
                        [1, *(entry.weight for entry in entries)],
                        means,
                        halves,
                        marker="o",
                        markersize=3,
                        elinewidth=0.8,
                        color=INK.get(method, COLOURS[4]),
                        label=METHODS[method].__name__,
                    )
                axes.set(xlabel="weight w", ylabel=text)
                axes.grid(axis="y")
        fig.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
        said = "; ".join(probe.said() for probe in probes)
        text = "Points are means at t = 0, bars 95 % t intervals over them; 1 is the truth."
        caption(fig, f"{title} {said}. {text}")


def _end(probe: Probed, name: str, figure: str) -> tuple[float, float]:
    """Mean and half interval at t = 0."""
    mean, half = probe.curve("own", name, figure)
    return mean[-1], half[-1]

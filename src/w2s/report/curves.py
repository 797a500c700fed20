"""Training curves: the smoothed loss of each recipe against the step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from w2s.report.style import GREY, TEXT_WIDTH, figure, line_style

if TYPE_CHECKING:
    from pandas import DataFrame

SPAN = 0.03  # of a curve's logged points: the mean age of the running mean


def training_curves(
    path: Path,
    key: str,
    curves: list[tuple[str, DataFrame | Path]],
    branch: list[int] | None = None,
) -> None:
    """Write a PNG of loss against step.

    curves: (label, log with columns step and loss, or the path of such a csv file).
    branch: steps at which recipes leave the shared trunk, marked by vertical lines.
    """
    logs = [(label, _read(log)) for label, log in curves]
    height = max(2.6, 0.135 * len(logs) + 0.3)  # room for the legend
    with figure(path, key, TEXT_WIDTH, height) as fig:
        axes = fig.add_subplot()
        smoothed = []
        for index, (label, log) in enumerate(logs):
            loss = smooth(log["loss"])
            smoothed.append(loss)
            style = line_style(index)
            axes.plot(log["step"], log["loss"], color=style["color"], lw=0.4, alpha=0.15, zorder=1)
            axes.plot(log["step"], loss, label=label, zorder=2, **style)
        for step in branch or []:
            axes.axvline(step, color=GREY, lw=0.8, ls=":", zorder=0)
            axes.annotate(
                f"branch at {step:,}",
                (step, 1),
                (3, -2),
                xycoords=axes.get_xaxis_transform(),
                textcoords="offset points",
                va="top",
                color=GREY,
                fontsize=6.5,
            )
        axes.set(xlabel="training step", ylabel="loss against the recipe's own target")
        axes.set_ylim(*_limits(smoothed))
        axes.set_xlim(0, max(log["step"].max() for _, log in logs))
        axes.grid(axis="y")
        fig.legend(loc="outside right upper")


def smooth(loss):
    """The running exponential mean of a pandas Series, started without bias."""
    return loss.ewm(com=max(SPAN * len(loss), 1)).mean()


def _read(log: DataFrame | Path) -> DataFrame:
    import pandas as pd

    return pd.read_csv(log) if isinstance(log, Path | str) else log


def _limits(curves: list) -> tuple[float, float]:
    """A range that shows every smoothed curve but for the steep fall of its first tenth."""
    kept = [curve.iloc[len(curve) // 10 :] for curve in curves]
    low, high = min(curve.min() for curve in kept), max(curve.max() for curve in kept)
    room = 0.12 * (high - low) or 0.1
    return low - room, high + 2 * room

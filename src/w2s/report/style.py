"""One look for every figure: colours that colour-blind readers can tell apart, a paper's sizes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from w2s.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN_WIDTH = 3.35  # inches
TEXT_WIDTH = 6.9
DPI = 200

# Okabe and Ito, "Color Universal Design" (2008), without the yellow, which is too light for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
GREY = "#8a8a8a"
INK = "#222222"

SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "figure.dpi": DPI,
}


def line_style(index: int) -> dict:
    """Colour and dash of the index-th line; the dash changes when the colours are used up."""
    rounds, colour = divmod(index, len(COLOURS))
    return {"color": COLOURS[colour], "linestyle": DASHES[rounds % len(DASHES)]}


@contextmanager
def figure(path: Path, key: str, width: float, height: float) -> Iterator[Figure]:
    """A new figure of that many inches, written to `path` (PNG) when the block ends.

    Needs no display and leaves no state behind; the same data give the same bytes.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**matplotlib.rcParamsDefault, **SETTINGS}):
        fig = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(fig)
        yield fig
        with replacing(path) as scratch:
            fig.savefig(scratch, format="png", dpi=DPI, metadata={"w2s-key": key, "Software": None})


def caption(fig: Figure, text: str) -> None:
    """Set a few small lines of text below the panels: what is shown, n and the interval."""
    across = int(fig.get_figwidth() * 22)  # characters of the size below
    fig.supxlabel(fill(text, across), x=0.01, ha="left", fontsize=6, color=INK)


def log_scale(axes: Axes) -> None:
    """A logarithmic y axis with plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())

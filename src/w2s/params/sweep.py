"""Parameters of a sweep: what guidance is tried with, and the column that decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from w2s.guidance.methods.skip_layer import Sets
from w2s.guidance.weights import Number
from w2s.guidance.windows import Span
from w2s.metrics.columns import Column
from w2s.params.common import Name
from w2s.params.data import Distinct, Seed
from w2s.strict import Strict

Weights = Annotated[tuple[Number, ...], Field(min_length=1)]
Mistake = tuple[tuple[str | int, ...], str]


class LayerScan(Strict):
    """Sets of blocks to skip in one entry under guidance, each tried with the same weights."""

    blocks: Sets
    """Sets of blocks, 0-based and ascending, in the place of those that its windows skip."""
    weights: Weights
    """Weights of the windows that skip them."""


class Sweep(Strict):
    """What guidance methods are tried with: `snakemake weights` compares weights, and
    `snakemake layers` the blocks that are skipped."""

    model: str
    """What is guided: a name that rows may have as their model."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2), Distinct]
    """Sampling seeds, at least two, none of which the tables use."""
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    """Columns of the table."""
    by: str
    """The column that values are chosen by; it is drawn against each other one."""
    weights: Annotated[dict[Name, Weights | Literal["default"]], Field(min_length=1)]
    """For each entry under guidance, the weights to try in all its windows, as many for each; or
    default, the weights that the method of its first window is usually tried with."""
    layers: dict[Name, LayerScan] = Field({})
    """For each entry under guidance that skips blocks, the blocks to try instead."""

    def tried(self, guidance: Mapping[str, Sequence[Span]]) -> dict[str, tuple[float, ...]]:
        """The weights of each entry, those of its method where they are left to it."""
        return {
            name: guidance[name][0].sweep if weights == "default" else weights
            for name, weights in self.weights.items()
        }

    def drawn(self) -> dict:
        """What the samples of the sweep have in the place of the part's own."""
        return {"seeds": self.seeds}


def skips(window: Span) -> bool:
    """Whether a window's method skips a set of blocks."""
    return "blocks" in type(window).model_fields


def sweep_names(params) -> Iterator[tuple[tuple[str, ...], str]]:
    """The places where a sweep names entries under guidance, and their names."""
    if params.sweep:
        for kind in ("weights", "layers"):
            for name in getattr(params.sweep, kind):
                yield ("sweep", kind, name), name


def sweep_mistakes(params, columns: Mapping[str, Column]) -> Iterator[Mistake]:
    """A sweep that would not compare like with like.  columns: those that its part can have."""
    sweep = params.sweep
    if sweep is None:
        return
    if sweep.by not in sweep.columns:
        yield ("sweep", "columns"), f"must hold {sweep.by}, which the weights are chosen by"
    elif columns[sweep.by].better is None:
        yield ("sweep", "by"), f"{sweep.by} has no better side, so nothing can be chosen by it"
    if any(name not in params.guidance for _, name in sweep_names(params)):
        return
    for name in sweep.weights:
        at = ("sweep", "weights", name)
        if not params.guidance[name]:
            yield at, "this guidance has no window, so no weight to sweep"
            return
        if not all(isinstance(window.weight, float) for window in params.guidance[name]):
            yield at, "the weight of this guidance is a schedule; only numbers are swept"
    for name in sweep.layers:
        if not any(skips(window) for window in params.guidance[name]):
            yield ("sweep", "layers", name), "no window of this guidance skips blocks; drop it"
    if len({len(weights) for weights in sweep.tried(params.guidance).values()}) > 1:
        yield ("sweep", "weights"), "every entry must try as many weights as the others"
    if both := set(sweep.seeds) & set(params.sampling.seeds):
        yield ("sweep", "seeds"), f"seed {min(both)} is one of sampling.seeds; take others"

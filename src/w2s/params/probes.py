"""Parameters of probes, guidances whose velocities are looked into, and of figures of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from w2s.params.common import Name
from w2s.params.data import Distinct, Seed
from w2s.strict import Strict, did_you_mean

NONE = "none"  # no guidance, which every probe begins with
MEASURES = {"velocity": "velocity", "stages": "stages", "norms": "stages", "guidance": None}
"""What a figure draws, and what its probes measure for it; None: points and their ways alone."""
CURVES = "training-curves"  # of a part, and of another with its name behind
PICTURES = ("-samples", "-schedules")  # of a table, behind its name


class Probe(Strict):
    """Guidances of one network, looked into where the true velocities are known.

    Of pictures the truth is the training latents of each class: a network that fitted them fully
    would draw them and nothing else.
    """

    label: str
    """What figures call it."""
    model: str
    """The network, one that a row could name too."""
    guidance: dict[Name, str] = Field({})
    """Names under guidance, each with what figures call it; no guidance is always there."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), Distinct] | None = None
    """Sampling seeds, if others than the study's.  Of networks that are repeated with each training
    seed: which of these, if not all; each has its own seed's noise."""
    per_seed: PositiveInt
    """Points or latents under each seed, their classes in turn."""

    def rows(self, row: type) -> dict:
        """What a table of this would hold, as rows of a type with model and guidance."""
        none = {NONE: row(model=self.model)}
        named = [name for name in self.guidance if name != NONE]
        return none | {name: row(model=self.model, guidance=name) for name in named}


class Figure(Strict):
    """A figure of probes: `results/figures/<name>.png`."""

    draws: Literal["velocity"]
    """velocity: distance to the true velocity, best weight and cosine over t."""
    title: str
    """First sentence of what stands below it."""
    probes: Annotated[tuple[str, ...], Field(min_length=1), Distinct]
    """Names under probes, from top to bottom."""
    guidance: tuple[Name, ...] | None = None
    """Which of the probes' guidances are drawn beside none; null: all."""


def measures_of(figures: dict[str, Figure], probe: str) -> list[str]:
    """What a probe measures, for all figures of it."""
    asked = {MEASURES[figure.draws] for figure in figures.values() if probe in figure.probes}
    return sorted(asked - {None})


Mistake = tuple[tuple[str | int, ...], str]


def probe_mistakes(params, table: Callable, mistakes: Callable) -> Iterator[Mistake]:
    """Contradictions between probes, figures and the rest of a part.

    table: makes the table that a probe would be; mistakes: finds those of the part with it.
    """
    tables = {name: table(probe) for name, probe in params.probes.items()}
    nothing = {"sweep": None, "probes": {}, "figures": {}}
    found = mistakes(params.model_copy(update={"tables": tables, **nothing})) if tables else ()
    own = ((_place(path), what) for path, what in found if path[0] == "tables")
    yield from dict.fromkeys(own)  # once for all guidances of a network
    for name, probe in params.probes.items():
        if NONE in probe.guidance:
            yield (
                ("probes", name, "guidance", NONE),
                "stands for no guidance, which is there already",
            )
        yield from _untrained(params, name, probe)
    figures = params.figures.items()
    wrong = [found for name, figure in figures for found in _figure(params, name, figure)]
    yield from wrong
    drawn = {probe for figure in params.figures.values() for probe in figure.probes}
    for name in [name for name in params.probes if name not in drawn and not wrong]:
        yield ("probes", name), "no figure draws it; name it under figures, or drop it"


def _untrained(params, name: str, probe: Probe) -> Iterator[Mistake]:
    """Seeds that no network of the probe was trained with, where each seed has its own."""
    trained = params.training.seeds if params.training else ()
    if probe.seeds is None or len(trained) < 2 or probe.model in getattr(params, "exact", {}):
        return
    for i, seed in enumerate(probe.seeds):
        if seed not in trained:
            known = ", ".join(map(str, trained))
            yield (
                ("probes", name, "seeds", i),
                f"'{probe.model}' is trained with seeds {known}, and {seed} is none of them",
            )


def _place(path: tuple) -> tuple:
    """Where a probe has what its table would have at this path."""
    _, name, *rest = path
    if rest[0] != "rows":
        return "probes", name, *rest
    own = rest[1] != NONE and rest[2:] != ["model"]  # no guidance says nothing but the model
    return ("probes", name, "guidance", rest[1]) if own else ("probes", name, "model")


def _figure(params, called: str, figure: Figure) -> Iterator[Mistake]:
    at, known = ("figures", called), set()
    for i, probe in enumerate(figure.probes):
        if probe not in params.probes:
            what = f"there is no probe named '{probe}'; {did_you_mean(probe, params.probes)}"
            yield (*at, "probes", i), what
            return
        known |= params.probes[probe].guidance.keys()
    for i, name in enumerate(figure.guidance or ()):
        if name not in known:
            what = f"none of its probes has a guidance '{name}'; {did_you_mean(name, known)}"
            yield (*at, "guidance", i), what
    for table in params.tables:
        if called in [table + ending for ending in PICTURES]:
            yield at, f"is a picture of table '{table}'; choose another name"
    if called.startswith(CURVES):
        yield at, "is the picture of training; choose another name"

"""Parameters of the search that tunes guidance: what is free in each method, and the budget."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from itertools import product
from typing import Annotated

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    PositiveFloat,
    Tag,
    ValidationError,
    model_validator,
)

from w2s.guidance.windows import Span
from w2s.metrics.columns import Column
from w2s.params.common import Name
from w2s.params.data import Distinct, Seed
from w2s.sentences import sentences
from w2s.strict import Strict, did_you_mean
from w2s.tuning.paths import with_values
from w2s.tuning.search import BASES, Choice, Free, Number, Point

Mistake = tuple[tuple[str | int, ...], str]
Places = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(
        lambda at: (at,) if isinstance(at, str) else at,
        json_schema_input_type=str | tuple[str, ...],
    ),
]


class FreeNumber(Strict):
    """A number that the search moves by steps from a start, within limits."""

    at: Places
    """Where it stands in the entry: weight, or 1.weight in the second window; several places hold
    the same number, as a switch point is 0.window.0 and 1.window.1."""
    start: float
    """Where the search begins, whatever the entry holds."""
    step: PositiveFloat | None = None
    """What is added to go on, or taken away; halved twice in the course of the search."""
    factor: Annotated[float, Field(gt=1, le=100)] | None = None
    """In the place of step: what it is multiplied by, or divided."""
    within: tuple[float, float]
    """Least and largest value that may be tried."""

    @model_validator(mode="after")
    def _moves(self):
        (least, most), steps = self.within, (self.step, self.factor)
        if sum(given is not None for given in steps) != 1:
            raise ValueError("give either step or factor")
        if not least <= self.start <= most or least == most:
            raise ValueError("within must be [least, most] with start between them")
        if self.factor is not None and least <= 0:
            raise ValueError("factor moves numbers above 0 alone; raise within, or take step")
        return self

    @property
    def free(self) -> Number:
        """The same for the search."""
        multiplied = self.factor is not None
        return Number(self.start, self.factor or self.step, *self.within, factor=multiplied)

    @property
    def ends(self) -> tuple[float, float]:
        """The values that all others lie between."""
        return self.within


class FreeChoice(Strict):
    """What the search takes one of a list for: a weak network, a shape, a set of blocks."""

    at: Places
    """Where it stands in the entry, such as 1.weak."""
    among: Annotated[tuple[str | int | float | tuple[int, ...], ...], Field(min_length=2)]
    """All that may be taken; the search begins with the first."""

    @property
    def free(self) -> Choice:
        """The same for the search."""
        return Choice(self.among)

    @property
    def ends(self) -> tuple:
        """All values."""
        return self.among


def _kind(block) -> str:
    said = "among" in block if isinstance(block, dict) else hasattr(block, "among")
    return "choice" if said else "number"


FreeValue = Annotated[
    Annotated[FreeNumber, Tag("number")] | Annotated[FreeChoice, Tag("choice")],
    Discriminator(_kind),
]
FreeValues = Annotated[dict[Name, FreeValue], Field(min_length=1, max_length=len(BASES))]


class Tune(Strict):
    """A search for the values that suit each method best, with the same budget for every one."""

    model: str
    """What is guided: a name that rows may have as their model."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=2), Distinct]
    """Sampling seeds, at least two, which neither the tables nor the sweep use."""
    evaluations: Annotated[int, Field(ge=3)]
    """How many combinations of values each method is tried with."""
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    """Columns of the table of all that was tried."""
    by: str
    """The column that decides."""
    methods: Annotated[dict[Name, FreeValues], Field(min_length=1)]
    """For each entry under guidance that is tuned, what is free in it; what is not named stays as
    the entry has it."""

    def drawn(self) -> dict:
        """What the samples of the search have in the place of the part's own."""
        return {"seeds": self.seeds}

    def space(self, method: str) -> list[Free]:
        """What is free in a method, for the search."""
        return [value.free for value in self.methods[method].values()]

    def placed(self, method: str, point: Point) -> dict[str, object]:
        """The values of a point by the places that hold them."""
        pairs = zip(self.methods[method].values(), point, strict=True)
        return {at: value for free, value in pairs for at in free.at}


def tune_names(params) -> Iterator[tuple[tuple[str, ...], str]]:
    """The places where the search names entries under guidance, and their names."""
    if params.tune:
        for name in params.tune.methods:
            yield ("tune", "methods", name), name


def tune_mistakes(
    params, columns: Mapping[str, Column], networks: Container[str]
) -> Iterator[Mistake]:
    """A search that could not be run, or would not be fair.

    columns: those that the part can have; networks: names that a weak network may have.
    """
    tune = params.tune
    if tune is None:
        return
    if tune.by not in tune.columns:
        yield ("tune", "columns"), f"must hold {tune.by}, which decides"
    elif columns[tune.by].better is None:
        yield ("tune", "by"), f"{tune.by} has no better side, so nothing can be chosen by it"
    for seeds, used in (("sampling", params.sampling), ("sweep", params.sweep)):
        if used and (both := set(tune.seeds) & set(used.seeds)):
            yield ("tune", "seeds"), f"seed {min(both)} is one of {seeds}.seeds; take others"
    for name in tune.methods:
        if name in params.guidance:
            yield from _values(tune, name, params.guidance[name], networks)


def _values(tune: Tune, name: str, entry, networks: Container[str]) -> Iterator[Mistake]:
    """Free values of an entry that it has no place for, or that it could not have."""
    at, free = ("tune", "methods", name), tune.methods[name]
    if not any(isinstance(value, FreeNumber) for value in free.values()):
        yield at, "no number is free, so there are no more points to try; drop the method"
        return
    places = [(place, key) for key, value in free.items() for place in value.at]
    for i, (place, key) in enumerate(places):
        if place in [other for other, _ in places[:i]]:
            yield (*at, key, "at"), f"{place} is moved by another free value too; name it once"
            return
    for point in product(*(value.ends for value in free.values())):
        said = ", ".join(f"{key} {value}" for key, value in zip(free, point, strict=True))
        try:
            windows = with_values(entry, tune.placed(name, point))
        except LookupError as error:
            key = next(key for place, key in places if place == str(error.args[0]))
            yield (*at, key, "at"), f"guidance.{name} has no {error.args[0]}; name what it has"
            return
        except ValidationError as error:
            (_, what), *_ = sentences(error.errors(include_url=False), {})
            yield at, f"with {said} it would be no guidance: {what}; narrow within"
            return
        yield from _unknown(at, windows, networks)


def _unknown(
    at: tuple[str, ...], windows: tuple[Span, ...], networks: Container[str]
) -> Iterator[Mistake]:
    for window in windows:
        net = getattr(window, "weak", None)
        if net is not None and net not in networks:
            yield at, f"there is no weak network named '{net}'; {did_you_mean(net, networks)}"

"""A search for the best values of some free numbers and choices: one after the other from a start.

It knows what was tried so far and says what to try next, and nothing is drawn at random: the same
values lead to the same search, so a search that was cut off goes on where it was.  A number is
moved by its step to both sides, and further on to the better side as long as that helps; a choice
takes each of its alternatives.  When no number moves any more all steps are halved, `HALVINGS`
times; what is left of the budget then goes to points spread over all that is allowed (Halton,
Numerische Mathematik 2, 1960), and the search walks on from one that is better.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

HALVINGS = 2
STRAYS = 1000  # points that are spread before a range is taken for used up
DIGITS = 4  # significant ones of a value that is tried
BASES = (2, 3, 5, 7, 11, 13, 17, 19)

Value = Hashable  # a number, or one of a choice's
Point = tuple[Value, ...]  # a value for each thing that is free, in order


@dataclass(frozen=True)
class Number:
    """A free number from `least` to `most`, whose steps are added, or are factors."""

    start: float
    step: float  # > 0; a factor > 1
    least: float
    most: float
    factor: bool = False

    def beside(self, value: float, side: int, halvings: int) -> float:
        """The value a step further up (side 1) or down (-1), or the limit."""
        share = side / 2**halvings
        further = value * self.step**share if self.factor else value + share * self.step
        return self._allowed(further)

    def spread(self, share: float) -> float:
        """The value at a share of the range, in logarithms where steps are factors."""
        if self.factor:
            return self._allowed(self.least * (self.most / self.least) ** share)
        return self._allowed(self.least + share * (self.most - self.least))

    def _allowed(self, value: float) -> float:
        return min(max(float(f"{value:.{DIGITS}g}"), self.least), self.most)


@dataclass(frozen=True)
class Choice:
    """One of some values; the first is the start."""

    among: tuple[Value, ...]

    @property
    def start(self) -> Value:
        return self.among[0]

    def spread(self, share: float) -> Value:
        """The value at a share of the list."""
        return self.among[int(share * len(self.among))]


Free = Number | Choice


def proposals(free: Sequence[Free], tried: Mapping[Point, float], evaluations: int) -> list[Point]:
    """The points to try next, of which none waits for another; none when the budget is used up.

    A range with fewer values than that in it ends the search before.

    free: at least one number among them, at most eight in all.
    tried: the value of each point so far, of which lower is better.
    evaluations: how many points are tried in all.
    """
    return next(_wanted(free, tried), [])[: max(evaluations - len(tried), 0)]


def best(tried: Mapping[Point, float]) -> Point:
    """The point with the lowest value; of equal ones the first."""
    return min(tried, key=tried.__getitem__)


def edges(free: Sequence[Free], tried: Mapping[Point, float]) -> list[int]:
    """The places of numbers for which nothing was tried on one side of the best value."""
    values, chosen = list(zip(*tried, strict=True)), best(tried)
    return [
        place
        for place, one in enumerate(free)
        if isinstance(one, Number) and chosen[place] in (min(values[place]), max(values[place]))
    ]


def _wanted(free: Sequence[Free], tried: Mapping[Point, float]) -> Iterator[list[Point]]:
    """The search, which yields what it lacks; whoever resumes it has put that into `tried`."""
    here: Point = tuple(one.start for one in free)
    for number in range(1, STRAYS):
        for halvings in range(HALVINGS + 1):
            before = None
            while before != here:
                before = here
                for place in range(len(free)):
                    here = yield from _along(free, tried, here, place, halvings)
        far = tuple(
            one.spread(_radical_inverse(number, base))
            for one, base in zip(free, BASES[: len(free)], strict=True)
        )
        yield from _lacking(tried, [far])
        here = min(here, far, key=tried.__getitem__)


def _along(free, tried, here: Point, place: int, halvings: int):
    """The best point on the way from `here` along one free thing; yields what it lacks."""
    one = free[place]

    def with_value(value: Value) -> Point:
        return (*here[:place], value, *here[place + 1 :])

    if isinstance(one, Choice):
        points = [here, *map(with_value, one.among)]
        yield from _lacking(tried, points)
        return min(points, key=tried.__getitem__)
    sides = {side: with_value(one.beside(here[place], side, halvings)) for side in (1, -1)}
    yield from _lacking(tried, [here, *sides.values()])
    side = min(sides, key=lambda side: tried[sides[side]])
    further = sides[side]
    while tried[further] < tried[here]:
        here, further = further, with_value(one.beside(further[place], side, halvings))
        yield from _lacking(tried, [further])
    return here


def _lacking(tried: Mapping[Point, float], points: Sequence[Point]) -> Iterator[list[Point]]:
    if lacking := [point for point in dict.fromkeys(points) if point not in tried]:
        yield lacking


def _radical_inverse(number: int, base: int) -> float:
    """The digits of a number mirrored behind the point: between 0 and 1, spread evenly."""
    share, scale = 0.0, 1.0
    while number:
        number, digit = divmod(number, base)
        scale /= base
        share += digit * scale
    return share

"""Sharing among trajectories that agree on their first steps.

A trajectory is one resolved method per step (None is plain conditional).  What it has become
after b steps depends on its first b methods alone, never on where it was cut before: so two
trajectories share everything up to the first step in which they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from w2s.guidance.base import STRONG, Method, Signal
from w2s.guidance.blend import Blend, step_from
from w2s.models.backbone import Shape
from w2s.sampling import tree
from w2s.sampling.solvers import READS, evaluations

Trajectory = tuple[Method | None, ...]


@dataclass(frozen=True)
class Segment:
    """Steps [start, stop) of every trajectory that begins with `methods`."""

    start: int
    methods: Trajectory  # of all steps [0, stop): what the state at `stop` depends on

    @property
    def stop(self) -> int:
        """One past the last step."""
        return len(self.methods)


def segments(trajectories: Sequence[Trajectory]) -> list[list[Segment]]:
    """Each trajectory's chain of segments, cut where it parts from any other.

    Equal segments in two chains are one piece of work.  All trajectories have the same length.
    """
    chains: list[list[Segment]] = [[] for _ in trajectories]

    def grow(members: list[int], start: int) -> None:
        first = trajectories[members[0]]
        stop = start
        while stop < len(first) and all(trajectories[m][stop] == first[stop] for m in members):
            stop += 1
        if stop > start:
            for member in members:
                chains[member].append(Segment(start, first[:stop]))
        if stop < len(first):
            branches: dict[Method | None, list[int]] = {}
            for member in members:
                branches.setdefault(trajectories[member][stop], []).append(member)
            for branch in branches.values():
                grow(branch, stop)

    if trajectories:
        grow(list(range(len(trajectories))), 0)
    return chains


def signals_of(method: Method | None) -> tuple[Signal, ...]:
    """The predictions a step needs."""
    return (STRONG,) if method is None else method.signals()


def nets_of(methods: Iterable[Method | None]) -> list[str]:
    """The separate networks that methods ask, sorted."""
    asked = {signal.net for method, _ in groupby(methods) for signal in signals_of(method)}
    return sorted(asked - {"main"})


def segment_forwards(
    segment: Segment,
    shapes: Mapping[str, Shape],
    times: Sequence[float],
    solver: str = "euler",
    count: Callable[[Iterable[Signal], Mapping[str, Shape]], float] = tree.forwards,
) -> float:
    """Cost of a segment per sample, in forwards; `count` prices one evaluation."""
    total = 0.0
    for method, steps in groupby(range(segment.start, segment.stop), segment.methods.__getitem__):
        each = count((*signals_of(method), *READS.get(solver, ())), shapes)
        total += each * sum(evaluations(solver, times, index) for index in steps)
    return total


@dataclass(frozen=True)
class Cost:
    """Forwards per sample of a group of trajectories."""

    shared: float  # each distinct segment once, signals sharing their leading blocks
    forked: float  # each trajectory whole, signals sharing their leading blocks
    separate: float  # each trajectory whole, each signal on its own


def cost(
    trajectories: Sequence[Trajectory],
    shapes: Mapping[str, Shape],
    times: Sequence[float],
    solver: str = "euler",
) -> Cost:
    """What a group of trajectories costs, with and without sharing."""
    distinct = dict.fromkeys(segment for chain in segments(trajectories) for segment in chain)
    whole = [Segment(0, tuple(trajectory)) for trajectory in trajectories]
    return Cost(
        shared=sum(segment_forwards(s, shapes, times, solver) for s in distinct),
        forked=sum(segment_forwards(s, shapes, times, solver) for s in whole),
        separate=sum(
            segment_forwards(s, shapes, times, solver, tree.forwards_unshared) for s in whole
        ),
    )


def versions(methods: Iterable[Method | None]) -> dict[str, int]:
    """Version of every method that takes part, by name: results belong to it."""
    found, todo = {}, list(methods)
    for method in todo:
        if isinstance(method, Blend):
            todo += [method.first, method.second]
        if method is not None:
            found[method.method] = method.version
    return found


def encode(methods: Iterable[Method | None]) -> list[list]:
    """Methods as run lengths of plain JSON types: ``[[count, fields or None], ...]``."""
    return [
        [len(list(run)), None if method is None else method.model_dump(mode="json")]
        for method, run in groupby(methods)
    ]


def decode(runs: Iterable[Sequence]) -> Trajectory:
    """The inverse of `encode`."""
    return tuple(
        method
        for count, fields in runs
        for method in [None if fields is None else step_from(fields)] * count
    )

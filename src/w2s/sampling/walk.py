"""Walks a schedule with a network: each block that a set of signals needs is run once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from torch import Tensor

from w2s.guidance.base import Signal
from w2s.models.backbone import Backbone
from w2s.models.states import alike, joined, split
from w2s.sampling.tree import Schedule


def walk(plan: Schedule, net: Backbone, roots: list, batched: bool) -> dict[Signal, Tensor]:
    """The signals (N, C, H, W) that a schedule reads, from the states its roots start as.

    `roots` is emptied: no state is held longer than something grows out of it or reads it.
    """
    states = {}
    while roots:
        states[len(states)] = roots.pop(0)
    left = Counter([number for stage in plan.stages for number in stage.inputs])
    left.update(number for _, number in plan.reads)

    def taken(number: int) -> Any:
        left[number] -= 1
        return states[number] if left[number] else states.pop(number)

    for stage in plan.stages:
        grown = _run(net, stage.blocks, [taken(number) for number in stage.inputs], batched)
        states.update(zip(stage.outputs, grown, strict=True))
    return {signal: read(net, signal, taken(number)) for signal, number in plan.reads}


def through(net: Backbone, blocks: Iterable[int], state: Any) -> Any:
    """The state after these blocks."""
    for i in blocks:
        state = net.block(i, state)
    return state


def read(net: Backbone, signal: Signal, state: Any) -> Tensor:
    """The velocity of a signal whose blocks have all been run, or the variance it asks for."""
    if signal.variance:
        return net.read_variance(state)
    return net.read_head(state) if signal.head else net.readout(state)


def _run(net: Backbone, blocks: tuple[int, ...], states: list, batched: bool) -> list:
    """What the states become; their list is emptied on the way."""
    if batched and len(states) > 1 and alike(states):
        count, states[:] = len(states), [joined(states)]
        return split(through(net, blocks, states.pop()), count)
    return [through(net, blocks, states.pop(0)) for _ in range(len(states))]

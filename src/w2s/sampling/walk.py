"""Walks a schedule with a network: each block that a set of signals needs is run once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor

from w2s.guidance.base import Signal
from w2s.models.backbone import Backbone
from w2s.models.states import alike, joined, split
from w2s.sampling.tree import Schedule


def walk(
    plan: Schedule, net: Backbone, roots: Sequence[Any], batched: bool
) -> dict[Signal, Tensor]:
    """The signals (N, C, H, W) that a schedule reads, from the states its roots start as."""
    states = dict(enumerate(roots))
    for stage in plan.stages:
        grown = _run(net, stage.blocks, [states[number] for number in stage.inputs], batched)
        states.update(zip(stage.outputs, grown, strict=True))
    return {signal: read(net, signal, states[number]) for signal, number in plan.reads}


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
    if batched and len(states) > 1 and alike(states):
        return split(through(net, blocks, joined(states)), len(states))
    return [through(net, blocks, state) for state in states]

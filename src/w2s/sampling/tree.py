"""Which blocks a set of signals needs, each run once, and what that costs.

Signals that have run the same blocks so far hold the same hidden state.  So the signals of one
network form a prefix tree over the lists of blocks they run; the schedule walks it level by
level.  The denoiser executes a schedule and the plan counts it: both read this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import fsum

from w2s.errors import UserError
from w2s.guidance.base import Signal
from w2s.models.backbone import Shape

FEW = 1000  # tokens of one signal's samples, up to which a CPU is not busy with them


def one_batch(device: str, tokens: int) -> bool:
    """Whether states that run the same blocks run them as one batch.

    device: its type; tokens: of all samples of one signal.  A fixed rule, so that every run gives
    the same bytes.  `python -m benchmarks.sd3` measures both on the CPU: one batch is faster for
    few tokens, and for many no faster and in more memory.  The rule for others is not measured; a
    batch launches half the kernels.
    """
    return device != "cpu" or tokens <= FEW


@dataclass(frozen=True)
class Stage:
    """Consecutive blocks run on the same states: ``outputs[k]`` grows out of ``inputs[k]``."""

    blocks: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Schedule:
    """What one network runs; states are numbered in order of appearance, roots first."""

    roots: tuple[bool, ...]  # embeddings: null or not
    stages: tuple[Stage, ...]
    reads: tuple[tuple[Signal, int], ...]  # the state each signal is read from

    @property
    def blocks(self) -> int:
        """Blocks run per sample."""
        return sum(len(stage.blocks) * len(stage.inputs) for stage in self.stages)


def blocks_of(signal: Signal, depth: int, head_at: int | None) -> tuple[int, ...]:
    """The blocks a signal runs on its own.

    Raises UserError where the network lacks the mid head or a block that is to be skipped.
    """
    if signal.head and head_at is None:
        raise UserError(
            f"A method reads the mid head of network '{signal.net}', which has none; "
            "set head_at in its model or choose another method."
        )
    if signal.skip and not 0 <= min(signal.skip) <= max(signal.skip) < depth:
        raise UserError(
            f"A method skips blocks {list(signal.skip)} of network '{signal.net}', "
            f"whose blocks are 0 to {depth - 1}; correct its list of blocks."
        )
    return tuple(i for i in range(head_at if signal.head else depth) if i not in signal.skip)


@cache
def schedule(signals: frozenset[Signal], depth: int, head_at: int | None) -> Schedule:
    """The stages that compute these signals of one network, sharing all common prefixes."""
    needed = {signal: blocks_of(signal, depth, head_at) for signal in sorted(signals)}
    roots = tuple(sorted({signal.null for signal in needed}))
    state = {signal: roots.index(signal.null) for signal in needed}  # where each signal stands
    count = len(roots)
    stages: list[Stage] = []
    for block in range(depth):
        running = [signal for signal, blocks in needed.items() if block in blocks]
        inputs = tuple(dict.fromkeys(state[signal] for signal in running))
        if not inputs:
            continue
        moved = {old: count + k for k, old in enumerate(inputs)}
        count += len(inputs)
        state.update({signal: moved[state[signal]] for signal in running})
        stages.append(Stage((block,), inputs, tuple(moved.values())))
    return Schedule(roots, _merged(stages, set(state.values())), tuple(state.items()))


def _merged(stages: list[Stage], read: set[int]) -> tuple[Stage, ...]:
    """Join a stage to the one before where nothing happens between them."""
    used = [i for stage in stages for i in stage.inputs]
    merged: list[Stage] = []
    for stage in stages:
        before = merged[-1] if merged else None
        joined = (
            before is not None
            and before.outputs == stage.inputs
            and not read.intersection(stage.inputs)
            and all(used.count(i) == 1 for i in stage.inputs)
        )
        if joined:
            merged[-1] = Stage(before.blocks + stage.blocks, before.inputs, stage.outputs)
        else:
            merged.append(stage)
    return tuple(merged)


def by_net(signals: Iterable[Signal]) -> dict[str, frozenset[Signal]]:
    """Signals grouped by the network they come from."""
    signals = set(signals)
    return {
        net: frozenset(signal for signal in signals if signal.net == net)
        for net in sorted({signal.net for signal in signals})
    }


def forwards(signals: Iterable[Signal], shapes: Mapping[str, Shape]) -> float:
    """Cost of one evaluation per sample; 1 is a full conditional forward of ``main``."""
    blocks = {
        net: schedule(group, shapes[net].depth, shapes[net].head_at).blocks
        for net, group in by_net(signals).items()
    }
    return in_forwards(blocks, shapes)


def forwards_unshared(signals: Iterable[Signal], shapes: Mapping[str, Shape]) -> float:
    """The same where every signal is computed on its own, without the blocks it skips.

    A variance comes with the prediction it belongs to.
    """
    alone = {replace(signal, variance=False) for signal in signals}
    return sum(forwards([signal], shapes) for signal in sorted(alone))


def in_forwards(blocks: Mapping[str, int], shapes: Mapping[str, Shape]) -> float:
    """Blocks run per network, in forwards of ``main``; another network weighs by its work."""
    macs = fsum(count * shapes[net].macs / shapes[net].depth for net, count in blocks.items())
    return macs / shapes["main"].macs

"""The predictions that an objective compares, computed for the samples that need them only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from w2s.guidance.base import HEAD, NULL, STRONG, Signal
from w2s.models.backbone import Backbone
from w2s.models.states import rows as rows_of
from w2s.sampling.tree import blocks_of, by_net, schedule
from w2s.sampling.walk import read, through, walk
from w2s.training.batches import Batch
from w2s.training.objectives import BaseObjective
from w2s.training.objectives.base import Pull


class Seen(NamedTuple):
    """What one pass with gradient gave."""

    v: Tensor  # (N, C, H, W)
    head: Tensor | None  # (N, C, H, W), the mid-depth head's prediction
    kept: dict[int, Any]  # states by the number of blocks run


class Taps(nn.Module):
    """A pass through `net` that also reads the mid head and keeps states for weak signals."""

    def __init__(self, net: Backbone, head: bool, objective: BaseObjective):
        super().__init__()
        self.net, self.head = net, head
        self.keep = {_shared(pull.weak, net) for pull in objective.pulls() if _forks(pull)}

    def forward(self, x: Tensor, t: Tensor, *given: Tensor) -> Seen:
        net, head, kept = self.net, None, {}
        state = net.embed(x, t, *given)
        for i in range(net.depth):
            if i in self.keep:
                kept[i] = state
            state = net.block(i, state)
            if self.head and i + 1 == net.head_at:
                head = net.read_head(state)
        return Seen(net.readout(state), head, kept)


def _forks(pull: Pull) -> bool:
    """Whether the weak signal goes on from the pass with gradient, part of the way."""
    weak = pull.weak
    return weak.net == "main" and not weak.null and bool(weak.skip) and not pull.ema


def _shared(weak: Signal, net: Backbone) -> int:
    """How many leading blocks the weak signal runs as the strong one does."""
    blocks = blocks_of(weak, net.depth, net.head_at)
    return next((i for i, block in enumerate(blocks) if block != i), len(blocks))


@torch.no_grad()
def pushes(
    objective: BaseObjective,
    batch: Batch,
    seen: Seen,
    net: Backbone,
    ema: Backbone,
    weak: Backbone | None,
) -> tuple[Tensor, float]:
    """By how much the objective moves each sample's target, and what it cost to know.

    `net` is in training and gave `seen`; `ema` is its average and `weak` a separate network.
    Returns k (strong - weak) of the window that holds t, (N, C, H, W) and zero in no window, and
    the number of forwards of one sample (blocks run over blocks of that network) on top of the
    pass seen.
    """
    push, cost = torch.zeros_like(batch.x), 0.0
    for pull in objective.pulls():
        inside = (batch.times > pull.low) & (batch.times <= pull.high)
        if pull.weak == NULL:  # a dropped label makes both predictions the same
            inside &= ~batch.dropped
        if rows := inside.nonzero().flatten().tolist():
            index = torch.tensor(rows, device=push.device)
            gap, forwards = _gap(pull, batch, seen, index, net, ema, weak)
            push[index] = pull.scale * gap.to(push.dtype)
            cost += forwards * len(rows)
    return push, cost


def _gap(
    pull: Pull,
    batch: Batch,
    seen: Seen,
    rows: Tensor,
    net: Backbone,
    ema: Backbone,
    weak: Backbone | None,
) -> tuple[Tensor, float]:
    """Strong minus weak of some samples, and the forwards of each."""
    signal = pull.weak
    if pull.ema:
        found, cost = _predicted({STRONG, signal}, {"main": ema, "weak": weak}, batch, rows)
        return found[STRONG] - found[signal], cost
    strong = seen.v.detach()[rows]
    if signal == HEAD:
        return strong - seen.head.detach()[rows], 0.0
    if _forks(pull):
        done = _shared(signal, net)
        left = [i for i in blocks_of(signal, net.depth, net.head_at) if i >= done]
        state = through(net, left, rows_of(seen.kept[done], rows))
        return strong - read(net, signal, state), len(left) / net.depth
    found, cost = _predicted({signal}, {"main": net, "weak": weak}, batch, rows)
    return strong - found[signal], cost


def _predicted(
    signals: set[Signal], nets: Mapping[str, Backbone | None], batch: Batch, rows: Tensor
) -> tuple[dict[Signal, Tensor], float]:
    """Signals of some samples by the schedule that sampling uses, and the forwards of each."""
    x, t = batch.x[rows], batch.t[rows]
    given, null = (tuple(part[rows] for part in parts) for parts in batch.condition)
    found, cost, batched = {}, 0.0, x.device.type != "cpu"
    for name, group in by_net(signals).items():
        net = nets[name]
        plan = schedule(group, net.depth, net.head_at)
        roots = [net.embed(x, t, *(null if root else given)) for root in plan.roots]
        found |= walk(plan, net, roots, batched)
        cost += plan.blocks / net.depth
    return found, cost

"""The predictions that an objective compares, computed for the samples that need them only."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from w2s.models.backbone import Backbone
from w2s.models.states import rows as rows_of
from w2s.training.batches import Batch
from w2s.training.objectives import BaseObjective
from w2s.training.objectives.base import Pull


class Seen(NamedTuple):
    """What one pass with gradient gave."""

    v: Tensor  # (N, C, H, W)
    head: Tensor | None  # (N, C, H, W), the mid-depth head's prediction
    fork: Any | None  # the state before the first block that a weak signal skips


class Taps(nn.Module):
    """A pass through `net` that also reads the mid head and keeps the state before `fork`."""

    def __init__(self, net: Backbone, head: bool, fork: int | None = None):
        super().__init__()
        self.net, self.head, self.fork = net, head, fork

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Seen:
        net, head, fork = self.net, None, None
        state = net.embed(x, t, y)
        for i in range(net.depth):
            fork = state if i == self.fork else fork
            state = net.block(i, state)
            if self.head and i + 1 == net.head_at:
                head = net.read_head(state)
        return Seen(net.readout(state), head, fork)


def fork_of(objective: BaseObjective) -> int | None:
    """The first block that a weak signal of this objective skips, if any does."""
    return min((pull.weak.skip[0] for pull in objective.pulls() if pull.weak.skip), default=None)


@torch.no_grad()
def strong_minus_weak(
    objective: BaseObjective,
    batch: Batch,
    seen: Seen,
    net: Backbone,
    ema: Backbone,
    weak: Backbone | None,
) -> tuple[Tensor, float]:
    """The difference that the objective adds to its target, and what it cost.

    `net` is in training and gave `seen`; `ema` is its average and `weak` a separate network.
    Returns the difference (N, C, H, W), zero for samples in no window, and the number of forwards
    of one sample (blocks run over blocks of that network) on top of the pass seen.
    """
    gap, cost = torch.zeros_like(batch.x), 0.0
    free = torch.ones(len(batch.times), dtype=torch.bool)
    for pull in objective.pulls():
        inside = free & (batch.times >= pull.low) & (batch.times <= pull.high)
        free &= ~inside
        if pull.weak.null:  # a dropped label makes both predictions the same
            inside &= batch.labels != net.null_class
        if rows := inside.nonzero().flatten().tolist():
            index = torch.tensor(rows, device=gap.device)
            difference, forwards = _difference(pull, batch, seen, index, net, ema, weak)
            gap[index] = difference.to(gap.dtype)
            cost += forwards
    return gap, cost


def _difference(
    pull: Pull,
    batch: Batch,
    seen: Seen,
    rows: Tensor,
    net: Backbone,
    ema: Backbone,
    weak: Backbone | None,
) -> tuple[Tensor, float]:
    x, t, y, n = batch.x[rows], batch.t[rows], batch.y[rows], len(rows)
    null = torch.full_like(y, net.null_class)
    if pull.ema and pull.weak.null:
        both = ema(torch.cat([x, x]), torch.cat([t, t]), torch.cat([y, null]))
        return both[:n] - both[n:], 2.0 * n
    if pull.ema:
        average = Taps(ema, head=True)(x, t, y)
        return average.v - average.head, 1.0 * n
    strong = seen.v.detach()[rows]
    if pull.weak.null:
        return strong - net(x, t, null), 1.0 * n
    if pull.weak.head:
        return strong - seen.head.detach()[rows], 0.0
    if pull.weak.skip:
        state = rows_of(seen.fork, rows)
        left = [i for i in range(pull.weak.skip[0], net.depth) if i not in pull.weak.skip]
        for i in left:
            state = net.block(i, state)
        return strong - net.readout(state), len(left) / net.depth * n
    return strong - weak(x, t, y), 1.0 * n

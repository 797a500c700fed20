"""Evaluates the signals a step asks for, as cheaply as exactness allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import nullcontext

import torch
from torch import Tensor

from w2s.conditions.base import Condition
from w2s.errors import UserError
from w2s.guidance.base import Signal
from w2s.models.backbone import Backbone
from w2s.models.precision import DTYPES
from w2s.models.registry import shape_of
from w2s.models.states import packed
from w2s.sampling.tree import by_net, in_forwards, one_batch, schedule
from w2s.sampling.walk import walk


class Denoiser:
    """A main network and the separate weak networks that guide it.

    `precision` is that of the networks' arithmetic, `weights` that of their weights: fp32, bf16 or
    fp16.  Weights of fp32 are cast as they are used (autocast); others compute in their own
    precision.  `compiled` compiles the networks' blocks in place, once for all batch sizes above 1,
    so that no window border meets a new shape.  `batched` overrides the rule of `one_batch`.
    `use` lays what is drawn, such as the size of the latents, over the networks' configurations, so
    that their work is counted right.
    """

    def __init__(
        self,
        main: Backbone,
        nets: Mapping[str, Backbone] | None = None,
        *,
        device: str | torch.device = "cpu",
        precision: str = "fp32",
        weights: str = "fp32",
        compiled: bool | str = False,
        batched: bool | None = None,
        use: Mapping | None = None,
    ):
        self.device = torch.device(device)
        self.autocast = _autocast(precision, weights)
        self.nets = {"main": main, **(nets or {})}
        self.nets = {name: net.to(self.device).eval() for name, net in self.nets.items()}
        if weights != "fp32":
            self.nets = {name: net.to(DTYPES[weights]) for name, net in self.nets.items()}
        self.shapes = {n: shape_of({**net.config(), **(use or {})}) for n, net in self.nets.items()}
        self.batched = batched
        self.blocks_run: Counter[str] = Counter()  # per network and sample
        if compiled:
            for block in (block for net in self.nets.values() for block in net.blocks):
                block.compile(
                    dynamic=True, backend=compiled if compiled is not True else "inductor"
                )

    @property
    def forwards(self) -> float:
        """Forwards of the main network run so far, per sample."""
        return in_forwards(self.blocks_run, self.shapes)

    @torch.no_grad()
    def __call__(
        self, x: Tensor, t: float, condition: Condition, signals: Iterable[Signal]
    ) -> dict[Signal, Tensor]:
        """The signals asked for, each (N, C, H, W) like x; t is one time for all samples.

        Networks are given x and t in float32 whatever the precision of x and of their arithmetic:
        bfloat16 knows no time between 0.9844 and 0.9883.  Guided are float32 velocities.
        """
        times = torch.full((len(x),), t, dtype=torch.float32, device=x.device)
        cast = torch.autocast(x.device.type, self.autocast) if self.autocast else nullcontext()
        velocities: dict[Signal, Tensor] = {}
        with cast:
            for name, group in by_net(signals).items():
                velocities |= self._evaluate(name, group, x.float(), times, condition)
        return {signal: v.to(x.dtype) for signal, v in velocities.items()}

    def _evaluate(self, name, signals, x, t, condition) -> dict[Signal, Tensor]:
        net, shape = self.nets[name], self.shapes[name]
        plan = schedule(signals, shape.depth, shape.head_at)
        self.blocks_run[name] += plan.blocks
        roots = [
            packed(net.embed(x, t, *(condition.null if null else condition.given)))
            for null in plan.roots
        ]
        batched = self.batched
        if batched is None:
            batched = one_batch(x.device.type, len(x) * self.shapes["main"].tokens)
        return walk(plan, net, roots, batched)


def _autocast(precision: str, weights: str) -> torch.dtype | None:
    """What fp32 weights are cast to as they are used; None where nothing is cast.

    Raises UserError for an unknown precision, and for weights that cannot compute in it.
    """
    for name, value in (("precision", precision), ("weights", weights)):
        if value not in DTYPES:
            raise UserError(f"{name} is '{value}'; set it to one of {', '.join(DTYPES)}.")
    if weights not in ("fp32", precision):
        raise UserError(
            f"weights are {weights} and precision is {precision}, but weights of less than fp32 "
            "compute in their own precision: give both the same, or weights: fp32."
        )
    return DTYPES[precision] if precision != weights else None

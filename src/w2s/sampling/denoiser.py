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
from w2s.models.registry import shape_of
from w2s.models.states import packed
from w2s.sampling.tree import by_net, in_forwards, schedule
from w2s.sampling.walk import BATCHED, walk


class Denoiser:
    """A main network and the separate weak networks that guide it.

    `precision` is that of the networks' arithmetic, fp32 or bf16 (autocast).  `compiled` compiles
    the networks' blocks in place, once for all batch sizes above 1, so that no window border
    meets a new shape.  `batched` overrides the rule of the device.
    """

    def __init__(
        self,
        main: Backbone,
        nets: Mapping[str, Backbone] | None = None,
        *,
        device: str | torch.device = "cpu",
        precision: str = "fp32",
        compiled: bool | str = False,
        batched: bool | None = None,
    ):
        self.device = torch.device(device)
        kind = self.device.type
        self.nets = {"main": main, **(nets or {})}
        self.nets = {name: net.to(self.device).eval() for name, net in self.nets.items()}
        self.shapes = {name: shape_of(net.config()) for name, net in self.nets.items()}
        if precision not in ("fp32", "bf16"):
            raise UserError(f"precision is '{precision}'; set it to fp32 or bf16.")
        self.bf16 = precision == "bf16"
        self.batched = BATCHED.get(kind, True) if batched is None else batched
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
        """The velocities asked for, each (N, C, H, W) like x; t is one time for all samples.

        Networks are given x and t in float32 whatever the precision of x and of their arithmetic:
        bfloat16 knows no time between 0.9844 and 0.9883.
        """
        times = torch.full((len(x),), t, dtype=torch.float32, device=x.device)
        precision = torch.autocast(x.device.type, torch.bfloat16) if self.bf16 else nullcontext()
        velocities: dict[Signal, Tensor] = {}
        with precision:
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
        return walk(plan, net, roots, self.batched)

"""Averages of the weights in training by the power-function rule (arXiv 2312.02696)."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from w2s.training.power import decay, exponent


class PowerEMA:
    """One float32 copy of a network per relative length in `stds`, updated after every step.

    Each copy starts as the network itself; its first update, at step 1, replaces it entirely, so
    that the start is forgotten and the profile is the paper's.
    """

    def __init__(self, net: nn.Module, stds: list[float]):
        self.powers = {std: exponent(std) for std in stds}
        self.nets = {std: deepcopy(net).eval().requires_grad_(False) for std in stds}
        self._source = list(net.parameters())
        self._copies = {std: list(copy.parameters()) for std, copy in self.nets.items()}

    @property
    def first(self) -> nn.Module:
        """The network of the first length, which objectives read."""
        return next(iter(self.nets.values()))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step` updates, counted from 1."""
        for std, copies in self._copies.items():
            torch._foreach_lerp_(copies, self._source, 1 - decay(step, self.powers[std]))

    def tensors(self) -> dict[str, Tensor]:
        """Every average, as ``"ema/<std>/<parameter>"``."""
        return {
            f"ema/{std:.3f}/{name}": value
            for std, net in self.nets.items()
            for name, value in net.state_dict().items()
        }

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave; KeyError if these lengths were not tracked."""
        for std, net in self.nets.items():
            net.load_state_dict({n: tensors[f"ema/{std:.3f}/{n}"] for n in net.state_dict()})

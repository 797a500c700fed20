"""A small residual network that predicts velocities of points of the plane."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Hidden(NamedTuple):
    """A forward pass under way."""

    z: Tensor  # (N, D)
    cond: Tensor  # (N, D), time and label


class Block(nn.Module):
    """Two layers beside the identity, which is all that they are at first."""

    def __init__(self, hidden: int):
        super().__init__()
        self.inner, self.outer = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, z: Tensor, cond: Tensor) -> Tensor:
        return z + self.outer(nn.functional.silu(self.inner(z) + cond))


class MLP(nn.Module):
    """A velocity ``v(x_t, t, y)`` of points (N, 2, 1, 1); t = 1 is noise.

    Time is given as a sine and a cosine at each of so many frequencies, an octave apart.  `head_at`
    puts a second readout after that many blocks.
    """

    def __init__(
        self, *, hidden: int, depth: int, classes: int, frequencies: int, head_at: int | None = None
    ):
        super().__init__()
        self._config = {"hidden": hidden, "depth": depth, "head_at": head_at, "classes": classes}
        self.depth, self.head_at, self.null_class = depth, head_at, classes
        self.points = nn.Linear(2, hidden)
        self.frequencies = frequencies
        self.times = nn.Linear(2 * frequencies, hidden)
        self.labels = nn.Embedding(classes + 1, hidden)
        self.blocks = nn.ModuleList(Block(hidden) for _ in range(depth))
        self.outside = nn.Linear(hidden, 2)
        if head_at is not None:
            self.head = nn.Linear(hidden, 2)

    def config(self) -> dict:
        """What builds this network again, in plain JSON types."""
        return {"kind": "mlp", **self._config}

    def embed(self, x: Tensor, t: Tensor, y: Tensor) -> Hidden:
        """Start a pass: x (N, 2, 1, 1), t (N,) in [0, 1], y (N,) int64 up to `null_class`."""
        octaves = 2.0 ** torch.arange(self.frequencies, dtype=torch.float32, device=t.device)
        angles = t.float()[:, None] * octaves * (math.pi / 2)
        waves = torch.cat([angles.sin(), angles.cos()], dim=1)
        dtype = self.points.weight.dtype
        cond = self.times(waves.to(dtype)) + self.labels(y)
        return Hidden(self.points(x.flatten(1).to(dtype)), cond)

    def block(self, i: int, state: Hidden) -> Hidden:
        """Run block `i`, counted from 0."""
        return state._replace(z=self.blocks[i](state.z, state.cond))

    def readout(self, state: Hidden) -> Tensor:
        """The velocity (N, 2, 1, 1) after the last block."""
        return self.outside(state.z)[..., None, None]

    def read_head(self, state: Hidden) -> Tensor:
        """The mid-depth head's velocity (N, 2, 1, 1), given the state after `head_at` blocks."""
        return self.head(state.z)[..., None, None]

"""Normal noise of samples: the first state, and what a stochastic solver adds at a step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from w2s.streams import Sample, streams


def _normal(what: str, samples: Sequence[Sample], shape: Sequence[int], *more: int) -> Tensor:
    drawn = np.empty((len(samples), *shape), dtype=np.float32)
    for row, rng in zip(drawn, streams(what, samples, *more), strict=True):
        rng.standard_normal(out=row, dtype=np.float32)
    return torch.from_numpy(drawn)


def initial_noise(samples: Sequence[Sample], shape: Sequence[int]) -> Tensor:
    """Standard normal (N, *shape) float32, on the CPU: the state at t = 1."""
    return _normal("initial", samples, shape)


def step_noise(samples: Sequence[Sample], shape: Sequence[int], step: int) -> Tensor:
    """Standard normal (N, *shape) float32 for one step of a stochastic solver, on the CPU."""
    return _normal("step", samples, shape, step)

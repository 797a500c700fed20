"""Random numbers that depend on a seed and a sample's number alone.

Every draw has a CPU generator of its own, so batches, shards and devices never change which
image sample i is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

Sample = tuple[int, int]  # seed, and number of the sample under it


def generator(*identity: int | str) -> torch.Generator:
    """A CPU generator seeded by a hash of what is drawn."""
    digest = hashlib.blake2b(repr(identity).encode(), digest_size=8).digest()
    return torch.Generator("cpu").manual_seed(int.from_bytes(digest, "little"))


def _normal(what: str, samples: Sequence[Sample], shape: Sequence[int], *more: int) -> Tensor:
    return torch.stack(
        [torch.randn(*shape, generator=generator(what, *sample, *more)) for sample in samples]
    )


def initial_noise(samples: Sequence[Sample], shape: Sequence[int]) -> Tensor:
    """Standard normal (N, *shape) at t = 1, on the CPU."""
    return _normal("initial", samples, shape)


def step_noise(samples: Sequence[Sample], shape: Sequence[int], step: int) -> Tensor:
    """Standard normal (N, *shape) for one step of a stochastic solver, on the CPU."""
    return _normal("step", samples, shape, step)


def draw_labels(samples: Sequence[Sample], classes: int, policy: str) -> Tensor:
    """Labels (N,) int64: "balanced" is the sample's number modulo `classes`, else "random"."""
    if policy == "balanced":
        return torch.tensor([index % classes for _, index in samples])
    draws = [torch.randint(classes, (), generator=generator("label", *s)) for s in samples]
    return torch.stack(draws)

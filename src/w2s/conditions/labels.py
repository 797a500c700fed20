"""Class labels as conditions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from w2s.conditions.base import Condition
from w2s.streams import Sample, streams


@dataclass(frozen=True)
class Labels:
    """Labels 0 to `classes` - 1; `classes` itself is the null class.

    A network without labels gets the null class for both, whatever its samples are called.
    """

    classes: int
    policy: Literal["balanced", "random"] = "balanced"  # classes in turn, or drawn by seed
    given: bool = True  # whether the network sees labels
    seeds: tuple[int, ...] = ()  # of the set
    per_seed: int = 0  # samples under each seed

    @property
    def use(self) -> dict:
        """Labels are no tokens."""
        return {}

    def __len__(self) -> int:
        return len(self.seeds) * self.per_seed

    def samples(self, places: Iterable[int]) -> list[Sample]:
        """Seed by seed, samples are numbered from 0."""
        return [(self.seeds[place // self.per_seed], place % self.per_seed) for place in places]

    def numbers(self, samples: Sequence[Sample]) -> Tensor:
        """Labels (N,) int64: "balanced" is the sample's number modulo `classes`, else "random"."""
        if self.policy == "balanced":
            return torch.tensor([number % self.classes for _, number in samples])
        draws = streams("label", samples)
        return torch.tensor([int(rng.integers(self.classes)) for rng in draws])

    def condition(self, numbers: Tensor) -> Condition:
        """The labels (N,) and as many null classes."""
        null = torch.full_like(numbers, self.classes)
        return Condition((numbers if self.given else null,), (null,))

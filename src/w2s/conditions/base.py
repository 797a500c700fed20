"""What a condition is: what is given to a sample, and what stands for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from torch import Tensor

from w2s.streams import Sample


class Condition(NamedTuple):
    """What to generate, and what stands for nothing: arguments of `Backbone.embed`.

    Each holds tensors with the batch first.
    """

    given: tuple[Tensor, ...]
    null: tuple[Tensor, ...]  # null class, or negative prompt


class Source(Protocol):
    """Which samples a set has, and where their conditions come from.

    A condition has a number, which is what a segment's boundary keeps of it as `label`.
    """

    use: dict  # what it means for a network's work, as entries of a configuration

    def __len__(self) -> int:
        """How many samples the whole set has."""

    def samples(self, places: Iterable[int]) -> list[Sample]:
        """What tells the samples at these places of the whole set apart; the seed comes first."""

    def numbers(self, samples: Sequence[Sample]) -> Tensor:
        """The number (N,) int64 of each sample's condition, on the CPU; of the sample alone."""

    def condition(self, numbers: Tensor) -> Condition:
        """The conditions with these numbers (N,), on the device of the numbers."""

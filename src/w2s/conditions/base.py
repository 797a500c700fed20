"""What a condition is: what is given to a sample, and what stands for nothing."""

from __future__ import annotations

from collections.abc import Sequence
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
    """Where the conditions of a sample set come from.

    A condition has a number, which is what a segment's boundary keeps of it as `label`.
    """

    def numbers(self, samples: Sequence[Sample]) -> Tensor:
        """The number (N,) int64 of each sample's condition, on the CPU; of the sample alone."""

    def condition(self, numbers: Tensor) -> Condition:
        """The conditions with these numbers (N,), on the device of the numbers."""

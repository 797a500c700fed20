"""Guidance weights over a window: a number, or a plain schedule over the window's steps.

A schedule is a function of the progress ``p`` through the window, 0 at its first step and 1 at
its last (0 in a window of one step), so it stretches with the number of steps.  Weights have no
unit and lie between 0 and 100.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from w2s.strict import Strict

if TYPE_CHECKING:
    from w2s.guidance.base import Method, Step

MOST = 100.0
Number = Annotated[float, Field(ge=0, le=MOST)]


class Schedule(Strict):
    """Base of the weights that change over a window."""

    def at(self, progress: float) -> float:
        """The weight at this progress, from 0 to 1."""
        raise NotImplementedError


def _between(start: float, end: float, share: float) -> float:
    """The value at a share of the way: `end` itself at 1, and never beyond, whatever rounds."""
    low, high = sorted((start, end))
    return end if share == 1 else min(max(start + (end - start) * share, low), high)


class Linear(Schedule):
    """``start + (end - start) p``."""

    schedule: Literal["linear"]
    start: Number
    """Weight at the window's first step."""
    end: Number
    """Weight at the window's last step."""

    def at(self, progress):
        return _between(self.start, self.end, progress)


class Cosine(Schedule):
    """``start + (end - start) (1 - cos(pi p)) / 2``: flat at both ends."""

    schedule: Literal["cosine"]
    start: Number
    """Weight at the window's first step."""
    end: Number
    """Weight at the window's last step."""

    def at(self, progress):
        return _between(self.start, self.end, (1 - math.cos(math.pi * progress)) / 2)


class Power(Schedule):
    """``start + (end - start) p^exponent``."""

    schedule: Literal["power"]
    start: Number
    """Weight at the window's first step."""
    end: Number
    """Weight at the window's last step."""
    exponent: float = Field(gt=0, le=100)
    """Above 1 the weight changes late, below 1 early."""

    def at(self, progress):
        return _between(self.start, self.end, progress**self.exponent)


class Triangle(Schedule):
    """``edge + (peak - edge) (1 - |2p - 1|)``."""

    schedule: Literal["triangle"]
    edge: Number
    """Weight at the window's first and last steps."""
    peak: Number
    """Weight in the middle of the window."""

    def at(self, progress):
        return _between(self.edge, self.peak, 1 - abs(2 * progress - 1))


Weight = Number | Annotated[Linear | Cosine | Power | Triangle, Field(discriminator="schedule")]


def weight_at(weight: float | Schedule, step: Step) -> float:
    """The number that a weight stands for at this step."""
    return weight.at(step.progress) if isinstance(weight, Schedule) else float(weight)


def without_schedules(method: Method, step: Step) -> Method:
    """The method with each of its schedules replaced by its number at this step."""
    changing = {name: value for name, value in method if isinstance(value, Schedule)}
    numbers = {name: weight_at(value, step) for name, value in changing.items()}
    return method.model_copy(update=numbers)

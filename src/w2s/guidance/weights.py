"""Guidance weights over a window: a number, or a schedule of its steps."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Weight = Annotated[float, Field(ge=0, le=100)]


def weight_at(weight, step) -> float:
    """The number that `weight` stands for at this step."""
    return float(weight)

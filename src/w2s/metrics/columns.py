"""What every column of a table has, whatever computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """How a number is headed, which way is better, and how many digits of it are shown."""

    heading: str
    better: Literal["lower", "higher"] | None  # None: no row is marked as best
    digits: int

    @property
    def title(self) -> str:
        """The heading with an arrow towards the better side."""
        arrow = {"lower": " ↓", "higher": " ↑", None: ""}[self.better]
        return self.heading + arrow

"""The columns a table can have: heading, which way is better, digits shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """How one metric is shown."""

    heading: str
    better: Literal["lower", "higher"] | None  # None: a cost, for which no row is marked as best
    digits: int

    @property
    def title(self) -> str:
        """The heading with an arrow towards the better side."""
        arrow = {"lower": " ↓", "higher": " ↑", None: ""}[self.better]
        return self.heading + arrow


COLUMNS = {
    "fd": Column("FD", "lower", 2),
    "kid": Column("KID", "lower", 3),
    "precision": Column("Precision", "higher", 3),
    "recall": Column("Recall", "higher", 3),
    "accuracy": Column("Accuracy", "higher", 3),
    "confidence": Column("Confidence", "higher", 3),
    "forwards": Column("Forwards", None, 2),
}

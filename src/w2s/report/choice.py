"""Choosing each method's weight, or the blocks that it skips, from a sweep."""

from __future__ import annotations

from w2s.metrics.columns import Column
from w2s.report.tables import separated

# A weight, or one for each window, and the cell of the row that has it.
Tried = tuple[float | list[float], dict]


def rule(column: Column, over: str) -> str:
    """How `chosen` chooses, in a sentence; over: "seeds" or "prompts"."""
    return (
        f"Chosen: of what was tried of each method that with the {_extreme(column)} "
        f"{column.heading} or, if others cannot be told from it (the 95 % interval of their "
        f"difference, paired by {over.removesuffix('s')}, includes 0), the lowest of these weights."
    )


def chosen(tried: list[Tried], column: Column) -> int:
    """The place in `tried` of what `rule` chooses; of equal weights that with the best value."""
    sign = 1 if column.better == "lower" else -1
    _, best = min(tried, key=lambda one: sign * one[1]["value"])
    level = [i for i, (_, cell) in enumerate(tried) if not separated(cell, best)]
    return min(level, key=lambda i: (tried[i][0], sign * tried[i][1]["value"]))


def _extreme(column: Column) -> str:
    return {"lower": "lowest", "higher": "highest"}[column.better]

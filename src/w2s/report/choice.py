"""Choosing each method's weight from a sweep."""

from __future__ import annotations

from w2s.report.tables import separated

RULE = (
    "Chosen: of the weights of each method the one with the lowest FD or, if others cannot be "
    "told from it (the 95 % interval of their difference, paired by seed, includes 0), the lowest "
    "of these weights."
)


def chosen(cells: dict[float, dict]) -> float:
    """The weight that `RULE` chooses; `cells` are a method's FD cells by weight."""
    best = min(cells.values(), key=lambda cell: cell["value"])
    return min(weight for weight, cell in cells.items() if not separated(cell, best))

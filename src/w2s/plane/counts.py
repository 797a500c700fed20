"""How many points of a world can be judged, and by how many true ones."""

from __future__ import annotations

import math

NEIGHBOURS = 5  # coverage's k (arXiv 2002.09797, sec. 4)
REFERENCE = 20_000  # true points; with a quarter of them their error moved energies by 1e-3
PER_POINT = 5 / 3  # true points that coverage looks at for each judged one


def compared(count: int) -> int:
    """True points that coverage looks at for so many judged ones."""
    return round(PER_POINT * count)


def judged(classes: int) -> range:
    """Numbers of points that can be judged: each class with neighbours, and not too many."""
    least = math.ceil((classes * (NEIGHBOURS + 1) - 0.5) / PER_POINT)
    return range(least, int(REFERENCE / PER_POINT) + 1)

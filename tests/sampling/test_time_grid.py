"""Time grids: from exactly 1 to exactly 0, falling, for every shift."""

from fractions import Fraction
from itertools import pairwise

import pytest

from w2s.sampling.grid import time_grid

SHIFTS = [n / 100 for n in range(10, 2001)]  # all that parameters allow, in steps of 0.01


@pytest.mark.parametrize("steps", [1, 2, 20, 250])
@pytest.mark.parametrize("last", [None, 0.04])
def test_every_shift_begins_at_one_falls_and_ends_at_zero(steps, last):
    for shift in SHIFTS:
        times = time_grid(steps, shift, last)
        assert (times[0], times[-1], len(times)) == (1.0, 0.0, steps + 1)
        assert all(a > b for a, b in pairwise(times))


def test_rounding_would_begin_beside_one():
    """Why the first time is not computed: 23 shifts in steps of 0.01 miss 1 by a bit."""
    firsts = [shift * 1 / (1 + (shift - 1) * 1) for shift in SHIFTS]
    assert (sum(t > 1 for t in firsts), sum(t < 1 for t in firsts)) == (14, 9)


@pytest.mark.parametrize("shift", [0.2, 0.41, 1.0, 3.0, 20.0])
def test_times_are_the_shifted_fractions(shift):
    exact = [Fraction(20 - i, 20) for i in range(21)]
    s = Fraction(shift)
    want = [float(s * t / (1 + (s - 1) * t)) for t in exact]
    assert time_grid(20, shift) == pytest.approx(want, rel=1e-14)
    if shift == 1:
        assert list(time_grid(20)) == want

"""Means with 95 % intervals, and what varies between their replicates.

Replicates are sampling seeds (noise seeds, where networks are not trained), training seeds, groups
of real images or true samples, which are few and have Student's interval, or prompts, which are
many and have a bootstrap interval: what is measured of each image of a prompt is averaged over the
prompt's images first, which are one unit.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np

Source = Literal[
    "sampling seeds", "training seeds", "groups of real images", "prompts",
    "noise seeds", "true samples",
]  # fmt: skip
INSIDE = 0.95  # the share of cases that an interval is to hold the mean in
RESAMPLES = 10_000
RESAMPLED_BY = 0  # the seed of all resamples
DIGITS = 12  # that resampled means are rounded to
AT_ONCE = 1_000_000  # values drawn at once, which bounds the memory


def varies(over: Source, random_labels: bool = False, conditions: str = "labels") -> str:
    """What differs between replicates and what does not, in words.

    random_labels: whether each sampling seed draws labels of its own; balanced ones, like
        prompts, are the same for every seed.
    conditions: what samples are drawn under, "labels" or "prompts".
    """
    if over == "training seeds":
        return "training afresh; each run's value is a mean over its sampling seeds"
    if over == "prompts":
        return (
            "other prompts, each with noise of its own; the networks are fixed; percentiles of "
            f"{RESAMPLES:,} resamples with seed {RESAMPLED_BY}"
        )
    if over == "noise seeds":
        return "fresh noise; labels and the networks, which are not trained, are fixed"
    if over == "true samples":
        return "other points of the truth; what they are compared with is fixed"
    if over == "groups of real images":
        return "other images; the reference is fixed"
    if random_labels:
        return "fresh noise and labels; the trained networks and the reference are fixed"
    return f"fresh noise; {conditions}, the trained networks and the reference are fixed"


class Interval(NamedTuple):
    """A mean over `n` replicates; `low` and `high` bound 95 % and are None where n is 1."""

    mean: float
    low: float | None
    high: float | None
    n: int
    over: Source

    @property
    def excludes_zero(self) -> bool:
        """Whether a difference is larger than its noise; never true for one replicate."""
        return self.low is not None and (self.low > 0 or self.high < 0)


def mean_interval(
    values: Sequence[float], over: Source = "sampling seeds", inside: float = INSIDE
) -> Interval:
    """Mean of independent replicates ± t((1 + inside) / 2, n-1) s / sqrt(n).

    Raises ValueError where there are no values.
    """
    if not values:
        raise ValueError("an interval needs at least one value")
    n, mean = len(values), statistics.fmean(values)
    if n == 1:
        return Interval(mean, None, None, n, over)
    half = t_quantile(n - 1, inside) * statistics.stdev(values) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, n, over)


def bootstrap_interval(
    values: Sequence[float], over: Source = "prompts", inside: float = INSIDE
) -> Interval:
    """Mean of independent replicates, and the middle share `inside` of the means of resamples.

    Each resample draws as many values as there are, with replacement (Efron, Annals of Statistics
    7, 1979).  The same number of values is resampled in the same way every time.  With few values
    it is too narrow: by a factor of sqrt(1 - 1/n), and by as much as the normal quantile is below
    Student's.  Raises ValueError where there are no values.
    """
    import numpy as np

    if not values:
        raise ValueError("an interval needs at least one value")
    n, mean = len(values), statistics.fmean(values)
    if n == 1:
        return Interval(mean, None, None, n, over)
    low, high = np.quantile(resampled_means(values), ((1 - inside) / 2, (1 + inside) / 2))
    return Interval(mean, float(low), float(high), n, over)


def resampled_means(values: Sequence[float]) -> np.ndarray:
    """The means of all resamples of some values, float64 (RESAMPLES,), in the order drawn.

    They are rounded to `DIGITS` digits of the largest value, so that differences which cancel are 0
    and not what is left of them in binary: no interval begins or ends at 0 by that.
    """
    import numpy as np

    n, means = len(values), []
    rng, held = np.random.default_rng(RESAMPLED_BY), np.asarray(values, np.float64)
    step = max(1, AT_ONCE // n)
    for first in range(0, RESAMPLES, step):
        drawn = rng.integers(0, n, (min(step, RESAMPLES - first), n))
        means.append(held[drawn].mean(1))
    largest = max(float(np.abs(held).max()), sys.float_info.min)  # no place beyond what floats have
    return np.round(np.concatenate(means), min(DIGITS - math.ceil(math.log10(largest)), 300))


def interval_over(values: Sequence[float], over: Source, inside: float = INSIDE) -> Interval:
    """The interval that fits what the values are taken over."""
    return (bootstrap_interval if over == "prompts" else mean_interval)(values, over, inside)


def level(over: Source) -> str:
    """What the interval is, in words."""
    return "95 % bootstrap interval" if over == "prompts" else "95 % t interval"


def paired_difference(
    first: Mapping[int, float], second: Mapping[int, float], over: Source = "sampling seeds"
) -> Interval:
    """Interval of first - second, both given by seed or prompt, differenced one by one.

    Rows that share seeds or prompts share their noise, so this is narrower than what two separate
    intervals suggest.  Raises ValueError where the seeds or prompts differ.
    """
    return interval_over(paired(first, second, over), over)


def paired(
    first: Mapping[int, float], second: Mapping[int, float], over: Source = "sampling seeds"
) -> list[float]:
    """first - second for each seed or prompt; ValueError where those differ."""
    if first.keys() != second.keys():
        units = f"{unit_of(over)}s"
        raise ValueError(f"cannot pair {units} {sorted(first)} with {units} {sorted(second)}")
    return [first[unit] - second[unit] for unit in sorted(first)]


def unit_of(over: Source) -> str:
    """What differences are paired by, in a word."""
    return "prompt" if over == "prompts" else "seed"


@cache
def t_quantile(freedom: int, inside: float = INSIDE) -> float:
    """t such that |T| <= t with probability `inside`, T of Student's law with whole freedom."""
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:
        if probability_inside(middle, freedom) < inside:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(middle)


def probability_inside(theta: float, freedom: int) -> float:
    """P(|T| <= sqrt(freedom) tan(theta)): Abramowitz & Stegun, 26.7.3 and 26.7.4."""
    odd = freedom % 2
    term = math.cos(theta) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= (k - 1) / k * math.cos(theta) ** 2
        total += term
    inside = math.sin(theta) * total
    return 2 / math.pi * (theta + inside) if odd else inside

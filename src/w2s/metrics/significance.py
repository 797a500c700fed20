"""Whether a mean lies on one side of a number, when many such questions are asked at once."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from w2s.metrics.intervals import RESAMPLES, Source, probability_inside, resampled_means

ERROR = 0.05  # the chance that is allowed of at least one false answer in a family


def p_value(values: Sequence[float], over: Source, at: float = 0.0) -> float:
    """Two-sided p value of the mean of `values` being `at`.

    It is the error 1 - inside at which `interval_over(values, over, inside)` begins to leave `at`
    out: of Student's t test, or from the same resamples of prompts, where it is at least 2 in
    `RESAMPLES`.  1 where there is one value, which has no interval.
    """
    if len(values) == 1:
        return 1.0
    return (_by_resamples if over == "prompts" else _by_student)(values, at)


def _by_student(values: Sequence[float], at: float) -> float:
    n, gap, spread = len(values), abs(statistics.fmean(values) - at), statistics.stdev(values)
    if spread == 0:
        return float(gap == 0)
    return 1 - probability_inside(math.atan2(gap * math.sqrt(n / (n - 1)), spread), n - 1)


def _by_resamples(values: Sequence[float], at: float) -> float:
    """Where `at` lies among the means, between two of which quantiles are interpolated."""
    import numpy as np

    means, places = np.sort(resampled_means(values)), np.linspace(0, 1, RESAMPLES)
    below = np.interp(at, means, places, left=0, right=1)
    above = np.interp(-at, -means[::-1], places, left=0, right=1)
    return float(np.clip(2 * min(below, above), 2 / RESAMPLES, 1))


def holm_level(p_values: Iterable[float], error: float = ERROR) -> float:
    """The share `inside` at which intervals leave out what Holm's procedure rejects, no more.

    Holm (Scandinavian Journal of Statistics 6, 1979) compares the smallest of m two-sided p values
    with error / m, the next with error / (m - 1), and so on up to the first that is larger; the
    chance that any of its rejections is false is at most `error`, however the m hang together.
    After k rejections the other p values are above error / (m - k) and the rejected ones below, so
    that intervals of 1 - error / (m - k) tell one from the other; 1 - error where all are rejected.
    """
    p_values = sorted(p_values)
    m = len(p_values)
    rejected = next((k for k, p in enumerate(p_values) if p > error / (m - k)), m)
    return 1 - error / max(1, m - rejected)

"""Intervals say what Student's law says, and pairing takes shared noise out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2s.metrics.intervals import (
    bootstrap_interval,
    interval_over,
    level,
    mean_interval,
    paired_difference,
    t_quantile,
    unit_of,
    varies,
)


@pytest.mark.parametrize(
    ("freedom", "published"),
    [(1, 12.7062), (2, 4.30265), (3, 3.18245), (4, 2.77645), (9, 2.26216), (30, 2.04227)],
)
def test_quantiles_are_those_of_the_published_table(freedom, published):
    assert t_quantile(freedom) == pytest.approx(published, rel=2e-6)


@pytest.mark.parametrize("inside", [0.5, 0.9, 0.95, 0.99])
def test_closed_forms_for_one_and_two_degrees_of_freedom(inside):
    assert t_quantile(1, inside) == pytest.approx(math.tan(math.pi * inside / 2), rel=1e-9)
    assert t_quantile(2, inside) == pytest.approx(inside * math.sqrt(2 / (1 - inside**2)), rel=1e-9)


@pytest.mark.parametrize("freedom", [5, 8, 13, 40, 101])
def test_the_density_integrates_to_what_was_asked(freedom):
    edge = t_quantile(freedom)
    x = np.linspace(-edge, edge, 200_001)
    scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    density = math.exp(scale) / math.sqrt(freedom * math.pi)
    density = density * (1 + x**2 / freedom) ** (-(freedom + 1) / 2)
    assert np.trapezoid(density, x) == pytest.approx(0.95, abs=1e-9)


def test_many_degrees_of_freedom_approach_the_normal_law():
    assert t_quantile(100_000) == pytest.approx(1.959964, abs=3e-5)


def test_an_interval_by_hand():
    interval = mean_interval([1.0, 2.0, 3.0])
    assert interval.mean == 2
    assert interval.high - 2 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert 2 - interval.low == pytest.approx(interval.high - 2)
    assert interval.n == 3


def test_one_replicate_has_no_interval_and_excludes_nothing():
    interval = mean_interval([5.0])
    assert (interval.low, interval.high, interval.excludes_zero) == (None, None, False)


def test_coverage_on_normal_samples_is_95_percent():
    draws = np.random.default_rng(0).normal(size=(4000, 4))
    intervals = [mean_interval(row.tolist()) for row in draws]
    covered = np.mean([interval.low <= 0 <= interval.high for interval in intervals])
    assert covered == pytest.approx(0.95, abs=0.015)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8), st.floats(-5, 5))
def test_a_shift_common_to_each_pair_is_recovered_exactly(noise, shift):
    first = {seed: value + shift for seed, value in enumerate(noise)}
    second = dict(enumerate(noise))
    interval = paired_difference(first, second)
    assert interval.mean == pytest.approx(shift, abs=1e-9)
    assert interval.high - interval.low < 1e-8


def test_pairs_are_matched_by_seed_not_by_position():
    interval = paired_difference({1: 1.0, 2: 10.0}, {2: 9.0, 1: 0.0})
    assert interval.mean == 1
    assert interval.excludes_zero


def test_seeds_that_differ_cannot_be_paired():
    with pytest.raises(ValueError, match=r"\[1, 2\] with seeds \[1, 3\]"):
        paired_difference({1: 0.0, 2: 0.0}, {1: 0.0, 3: 0.0})


def test_what_varies_between_replicates_is_said():
    assert varies("sampling seeds").startswith("fresh noise; labels, ")
    assert varies("sampling seeds", random_labels=True).startswith("fresh noise and labels; ")
    assert "training afresh" in varies("training seeds")
    assert varies("groups of real images").startswith("other images; ")
    assert varies("prompts").startswith("other prompts, each with noise of its own; ")


def test_prompts_are_paired_by_their_number():
    interval = paired_difference({0: 0.3, 1: 0.9}, {1: 0.8, 0: 0.1}, "prompts")
    assert (interval.mean, interval.over) == (pytest.approx(0.15), "prompts")
    with pytest.raises(ValueError, match=r"cannot pair prompts \[0\] with prompts \[0, 1\]"):
        paired_difference({0: 0.3}, {0: 0.1, 1: 0.8}, "prompts")
    assert (unit_of("prompts"), unit_of("training seeds")) == ("prompt", "seed")


@pytest.mark.parametrize("interval", [mean_interval, bootstrap_interval])
def test_no_values_make_no_interval(interval):
    with pytest.raises(ValueError, match="at least one"):
        interval([])


def test_of_two_values_a_quarter_of_the_resamples_is_twice_the_same():
    """A resample of two is both, or one of them twice, each at a quarter: beyond 2.5 percent."""
    assert bootstrap_interval([1.0, 5.0])[:4] == (3, 1, 5, 2)


def test_percentiles_are_those_of_the_binomial_law():
    """Means of resamples of 0s and 1s, 30 of 100, are Binomial(100, 0.3) / 100: 0.21 to 0.39."""
    interval = bootstrap_interval([1.0] * 30 + [0.0] * 70)
    assert interval.mean == pytest.approx(0.3)
    assert [interval.low, interval.high] == pytest.approx([0.21, 0.39], abs=0.011)


@pytest.mark.parametrize("n", [200, 1000])
def test_a_bootstrap_of_normal_values_agrees_with_student(n):
    values = np.random.default_rng(1).normal(3, 2, n).tolist()
    student, resampled = mean_interval(values), bootstrap_interval(values)
    half = (student.high - student.low) / 2
    assert resampled.mean == student.mean
    assert resampled.low == pytest.approx(student.low, abs=0.06 * half)
    assert resampled.high == pytest.approx(student.high, abs=0.06 * half)


def test_a_bootstrap_leans_to_where_values_are_skewed():
    values = np.random.default_rng(2).exponential(size=60).tolist()
    interval = bootstrap_interval(values)
    assert interval.high - interval.mean > 1.05 * (interval.mean - interval.low)


def test_a_bootstrap_covers_the_mean_as_often_as_it_says():
    draws = np.random.default_rng(3).normal(size=(400, 50))
    intervals = [bootstrap_interval(row.tolist()) for row in draws]
    covered = np.mean([interval.low <= 0 <= interval.high for interval in intervals])
    assert covered == pytest.approx(0.945, abs=0.03)


def test_the_same_values_have_the_same_bootstrap_in_any_company(monkeypatch):
    values = np.random.default_rng(4).normal(size=30).tolist()
    assert bootstrap_interval(values) == bootstrap_interval(values)
    whole = bootstrap_interval(values)
    monkeypatch.setattr("w2s.metrics.intervals.AT_ONCE", 70)  # two resamples at once
    assert bootstrap_interval(values) == whole


def test_pairing_by_prompt_takes_out_what_prompts_differ_in():
    rng = np.random.default_rng(5)
    hard = rng.normal(size=100)
    first, second = (dict(enumerate(hard + rng.normal(0, 0.1, 100) + d)) for d in (0.2, 0))
    paired = paired_difference(first, second, "prompts")
    alone = bootstrap_interval(list(first.values()))
    assert paired.excludes_zero
    assert paired.high - paired.low < 0.3 * (alone.high - alone.low)


def test_one_value_has_no_bootstrap():
    assert bootstrap_interval([2.0]) == (2.0, None, None, 1, "prompts")


def test_prompts_alone_are_resampled():
    values = [1.0, 2.0, 4.0]
    assert interval_over(values, "prompts") == bootstrap_interval(values)
    assert interval_over(values, "training seeds") == mean_interval(values, "training seeds")
    assert (level("prompts"), level("sampling seeds")) == (
        "95 % bootstrap interval", "95 % t interval",
    )  # fmt: skip
    assert "percentiles of 10,000 resamples with seed 0" in varies("prompts")

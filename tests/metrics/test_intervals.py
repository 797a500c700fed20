"""Intervals say what Student's law says, and pairing takes shared noise out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from w2s.metrics.intervals import (
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


def test_no_values_make_no_interval():
    with pytest.raises(ValueError, match="at least one"):
        mean_interval([])

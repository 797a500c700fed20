"""p values begin where intervals leave a number out, and Holm's procedure is read off a level."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from w2s.metrics.intervals import RESAMPLES, interval_over
from w2s.metrics.significance import holm_level, p_value

SEEDS, PROMPTS = "sampling seeds", "prompts"
P_VALUES = st.lists(st.sampled_from([0.0, 0.001, 0.004, 0.01, 0.013, 0.02, 0.03, 0.2, 1.0]))


def test_closed_forms_of_students_test():
    """One degree of freedom is Cauchy's law; for two, P(|T| < t) = t / sqrt(2 + t^2)."""
    assert p_value([1.0, 3.0], SEEDS) == pytest.approx(1 - 2 * math.atan(2) / math.pi)
    t = 2 * math.sqrt(3)
    assert p_value([1.0, 2.0, 3.0], SEEDS) == pytest.approx(1 - t / math.sqrt(2 + t**2))
    assert p_value([1.0, 2.0, 3.0], SEEDS, at=2.0) == pytest.approx(1)


@pytest.mark.parametrize("over", [SEEDS, PROMPTS])
@given(values=st.lists(st.integers(-40, 60), min_size=2, max_size=12), at=st.integers(-20, 20))
def test_a_p_value_is_the_error_at_which_the_interval_begins_to_leave_the_number_out(
    over, values, at
):
    values = [value / 8 for value in values]
    p = p_value(values, over, at / 8)
    assume(4 / RESAMPLES < p < 0.9)
    narrow = interval_over(values, over, 1 - p * 1.02)
    wide = interval_over(values, over, 1 - p * 0.98)
    assert wide.low <= at / 8 <= wide.high
    assert not narrow.low < at / 8 < narrow.high


@pytest.mark.parametrize("over", [SEEDS, PROMPTS])
def test_values_that_are_all_alike_leave_no_doubt(over):
    assert p_value([0.5] * 4, over) <= 2 / RESAMPLES
    assert p_value([0.0] * 4, over) == 1


@pytest.mark.parametrize("over", [SEEDS, PROMPTS])
def test_one_value_can_reject_nothing(over):
    assert p_value([5.0], over) == 1


def test_resamples_never_make_certain():
    assert p_value([1.0, 2.0, 3.0], PROMPTS) == 2 / RESAMPLES


@pytest.mark.parametrize("over", [SEEDS, PROMPTS])
def test_sides_do_not_matter(over):
    values = [0.1, 0.5, -0.2, 0.3, 0.4]
    mirrored = p_value([-value for value in values], over)
    assert p_value(values, over) == pytest.approx(mirrored, abs=0.02)


def test_under_no_effect_p_values_are_uniform():
    draws = np.random.default_rng(0).normal(size=(4000, 5))
    found = np.sort([p_value(row.tolist(), SEEDS) for row in draws])
    assert np.abs(found - np.linspace(0, 1, len(found))).max() < 0.03


def rejected_by_adjusted_p(p_values: list[float], error: float) -> list[bool]:
    """Holm's procedure in its other form: adjusted p values, each at least its predecessor."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, (len(p_values) - rank) * p_values[place])
        adjusted[place] = largest
    return [p <= error for p in adjusted]


@given(P_VALUES.filter(len))
def test_a_level_leaves_out_what_holms_procedure_rejects_and_nothing_else(p_values):
    inside = holm_level(p_values)
    assert [p < 1 - inside + 1e-12 for p in p_values] == rejected_by_adjusted_p(p_values, 0.05)


@given(P_VALUES.filter(len), st.sampled_from([0.0, 0.5, 1.0]))
def test_more_claims_never_make_another_clearer(p_values, another):
    assert holm_level([*p_values, another]) >= holm_level(p_values) or another == 0


def test_one_claim_is_not_corrected():
    assert holm_level([0.3]) == holm_level([0.01]) == 0.95


def test_the_first_step_is_bonferronis():
    assert holm_level([0.5] * 10) == pytest.approx(1 - 0.05 / 10)


def test_differences_that_cancel_are_zero_however_they_are_written():
    whole = 10 * [1] + 6 * [-1] + 14 * [0]  # fifths of a prompt's images
    binary = [0.3 - 0.1, *9 * [0.7 - 0.5], *3 * [0.1 - 0.3], *3 * [0.5 - 0.7], *14 * [0.2 - 0.2]]
    assert len(set(binary)) == 5
    assert np.isclose(p_value(binary, "prompts"), p_value(whole, "prompts"), rtol=0, atol=0)
    inside = 1 - p_value(whole, "prompts")
    for share in (inside - 0.01, inside, inside + 0.01):
        ends = interval_over(binary, "prompts", share)
        exact = interval_over(whole, "prompts", share)
        assert (ends.low > 0, ends.low == 0) == (exact.low > 0, exact.low == 0)

"""Schedules of weights."""

import math

import pytest
from guidance_fakes import make, step
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from w2s.guidance.methods.cfg import CFG
from w2s.guidance.weights import weight_at

ENDS = {"start": 4.0, "end": 1.5}
SCHEDULES = {
    "linear": {"schedule": "linear", **ENDS},
    "cosine": {"schedule": "cosine", **ENDS},
    "power": {"schedule": "power", "exponent": 2.0, **ENDS},
    "triangle": {"schedule": "triangle", "edge": 1.5, "peak": 4.0},
}
MIDDLE = {
    "linear": 2.75,
    "cosine": 2.75,
    "power": 3.375,
    "triangle": 4.0,
}


def series(schedule, first, last, steps=12):
    method = CFG(weight=schedule)
    places = [step(i, first, last, steps) for i in range(first, last)]
    return [weight_at(method.weight, place) for place in places]


@pytest.mark.parametrize("name", SCHEDULES)
def test_ends_and_middle(name):
    values = series(SCHEDULES[name], 3, 8)
    ends = (1.5, 1.5) if name == "triangle" else (4.0, 1.5)
    assert (values[0], values[-1]) == pytest.approx(ends)
    assert values[2] == pytest.approx(MIDDLE[name])


def test_cosine_is_flat_at_the_ends_and_steep_in_the_middle():
    values = series({"schedule": "cosine", "start": 0, "end": 2}, 0, 5)
    assert values[1] == pytest.approx(1 - math.cos(math.pi / 4))


@settings(deadline=None)
@given(st.sampled_from(sorted(SCHEDULES)), st.integers(0, 11), st.integers(1, 12))
def test_never_beyond_its_own_ends(name, first, length):
    values = series(SCHEDULES[name], first, min(first + length, 12))
    assert all(1.5 - 1e-12 <= value <= 4.0 + 1e-12 for value in values)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_single_step_has_the_starting_weight(name):
    assert series(SCHEDULES[name], 5, 6) == [1.5 if name == "triangle" else 4.0]


def test_a_resolved_method_holds_numbers_alone():
    both = {"weight": SCHEDULES["linear"], "cfg": SCHEDULES["triangle"]}
    resolved = make("skip_layer", **both).at(step(4, 0, 8))
    assert (resolved.weight, resolved.cfg) == pytest.approx((4 - 2.5 * 4 / 7, 1.5 + 2.5 * 6 / 7))
    assert both["weight"]["start"] == 4.0


@pytest.mark.parametrize(
    "weight",
    [
        -1,
        101,
        True,
        "2",
        float("nan"),
        {"schedule": "linear", "start": 1},
        {"schedule": "linear", "start": 1, "end": 2, "exponent": 2},
        {"schedule": "square", "start": 1, "end": 2},
        {"schedule": "triangle", "start": 1, "end": 2},
        {"schedule": "power", "start": 1, "end": 2, "exponent": 0},
        {"schedule": "cosine", "start": -1, "end": 2},
    ],
)
def test_weights_that_make_no_sense_are_refused(weight):
    with pytest.raises(ValidationError):
        CFG(weight=weight)

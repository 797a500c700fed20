"""Time-varying CFG: the mean weight holds, and each step is a plain CFG step."""

from itertools import pairwise

import pytest
from guidance_fakes import step
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from w2s.errors import UserError
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.methods.tv_cfg import TVCFG

SHAPES = ["symmetric", "interval", "stepup", "stepdown"]


def weights(method, first=0, last=None, steps=10, shift=1.0):
    last = steps if last is None else last
    resolved = [method.at(step(i, first, last, steps, shift)) for i in range(first, last)]
    assert all(r is None or type(r) is CFG for r in resolved)
    return [1.0 if r is None else r.weight for r in resolved]


@settings(deadline=None)
@given(
    shape=st.sampled_from(SHAPES),
    weight=st.floats(1.01, 15),
    steps=st.integers(4, 40),
    shift=st.floats(1, 4),
    window=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_the_mean_over_time_is_the_weight(shape, weight, steps, shift, window):
    first, last = sorted(round(share * (steps - 1)) for share in window)
    last += 1
    method = TVCFG(weight=weight, shape=shape)
    try:
        values = weights(method, first, last, steps, shift)
    except UserError:
        assert shape == "interval"
        return
    times = step(steps=steps, shift=shift).times[first : last + 1]
    lengths = [a - b for a, b in pairwise(times)]
    total = sum(w * dt for w, dt in zip(values, lengths, strict=True))
    assert total == pytest.approx(weight * sum(lengths))


def test_symmetric_rises_to_the_middle_and_falls_back():
    even = weights(TVCFG(weight=3.0, shape="symmetric"), steps=10)
    ratios = [1.0, 1.8, 2.6, 3.4, 4.2, 5.0, 4.0, 3.0, 2.0, 1.0]
    assert [w / even[0] for w in even] == pytest.approx(ratios)
    odd = weights(TVCFG(weight=3.0, shape="symmetric"), steps=5)
    assert [w / odd[0] for w in odd] == pytest.approx([1, 3, 5, 3, 1])


def test_interval_guides_inside_alone():
    times = step(steps=20).times
    values = weights(TVCFG(weight=3.0, shape="interval"), steps=20)
    inside = [0.15 < t < 0.78 for t in times[:-1]]
    assert [w > 1 for w in values] == inside
    share = sum(inside) / 20
    assert max(values) == pytest.approx((3 - (1 - share)) / share)


@pytest.mark.parametrize(("shape", "early"), [("stepup", 1 / 3), ("stepdown", 3)])
def test_steps_switch_after_a_quarter(shape, early):
    values = weights(TVCFG(weight=3.0, shape=shape), steps=9)
    assert [w / values[-1] for w in values] == pytest.approx([early] * 2 + [1] * 7)
    later = weights(TVCFG(weight=3.0, shape=shape, switch=0.5), steps=9)
    assert [w / later[-1] for w in later] == pytest.approx([early] * 4 + [1] * 5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_no_more_than_one_is_constant(shape, weight):
    assert weights(TVCFG(weight=weight, shape=shape)) == [weight] * 10


@pytest.mark.parametrize("shape", ["symmetric", "stepup", "stepdown"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_short_windows_keep_the_mean(shape, steps):
    values = weights(TVCFG(weight=3.0, shape=shape), 2, 2 + steps)
    assert sum(values) / steps == pytest.approx(3)


def test_an_interval_without_steps_is_an_error():
    method = TVCFG(weight=3.0, shape="interval", interval=[0.51, 0.52])
    with pytest.raises(UserError, match="widen the interval"):
        method.at(step(0))


@pytest.mark.parametrize(
    "arguments",
    [
        {"shape": "symmetric", "interval": [0.2, 0.5]},
        {"shape": "stepup", "interval": [0.2, 0.5]},
        {"shape": "interval", "switch": 0.5},
        {"shape": "symmetric", "switch": 0.5},
        {"shape": "interval", "interval": [0.5, 0.2]},
        {"shape": "stepup", "switch": 1.0},
    ],
)
def test_arguments_the_shape_does_not_use_are_refused(arguments):
    with pytest.raises(ValidationError):
        TVCFG(weight=3.0, **arguments)

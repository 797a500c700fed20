"""Closed forms of the methods that are not affine."""

import math

import pytest
import torch
from guidance_fakes import batch, make, run, step
from hypothesis import given, settings
from hypothesis import strategies as st

from w2s.guidance.base import NULL, STRONG, State


def pair(c, u):
    """One sample of two values, as a batch of one image of two pixels."""
    shaped = [torch.tensor(values, dtype=torch.float32).reshape(1, 1, 1, 2) for values in (c, u)]
    return dict(zip((STRONG, NULL), shaped, strict=True))


def guided(method, c, u, t=1.0, x=(0.0, 0.0)):
    x = torch.tensor(x, dtype=torch.float32).reshape(1, 1, 1, 2)
    resolved = method.at(step(3, first=3))
    return resolved.combine(pair(c, u), x, t, State()).flatten().tolist()


def polar(radius, degrees):
    angle = math.radians(degrees)
    return radius * math.cos(angle), radius * math.sin(angle)


def test_adg_turns_the_clean_image():
    """At t = 1 and x = 0 a prediction of x0 is -v: 10 degrees apart, w = 3 turns by 20."""
    v = guided(make("adg", weight=3.0), polar(-2, 10), polar(-1, 0))
    a, e = polar(2, 10), (0.0, 2 * math.sin(math.radians(10)))
    turn = math.radians(20)
    quotient = math.sin(turn) / math.sin(math.radians(10))
    expected = [-(math.cos(turn) * a[i] + quotient * e[i]) for i in range(2)]
    assert v == pytest.approx(expected, rel=1e-5)


def test_adg_turns_no_further_than_sixty_degrees():
    turned = [guided(make("adg", weight=w), polar(-2, 40), polar(-1, 0)) for w in (2.6, 50.0)]
    assert turned[0] == pytest.approx(turned[1], rel=1e-5)


@settings(max_examples=60, deadline=None)
@given(weight=st.floats(1.01, 100), t=st.floats(0.01, 1), seed=st.integers(0, 1000))
def test_adg_bounds_the_clean_image(weight, t, seed):
    x, v = batch(4, seed)
    out = make("adg", weight=weight).at(step()).combine(v, x, t, State())
    norm = (x - t * out).flatten(1).norm(dim=1)
    assert (norm <= math.sqrt(2) * 1.001 * (x - t * v[STRONG]).flatten(1).norm(dim=1)).all()


def test_adg_treats_a_batch_of_four_as_four_batches_of_one():
    x, v = batch(4)
    method = make("adg", weight=4.0)
    together = run(method, v, x, step(2))
    for i in range(4):
        alone = run(method, {s: p[i : i + 1] for s, p in v.items()}, x[i : i + 1], step(2))
        torch.testing.assert_close(together[i : i + 1], alone)


@pytest.mark.parametrize("name", ["adg", "apg", "tcfg"])
@pytest.mark.parametrize("end", [0.0, 1.0])
def test_the_ends_of_time_are_limits(name, end):
    x, v = batch()
    resolved = make(name, weight=5.0).at(step())
    near = resolved.combine(v, x, abs(end - 1e-4), State())
    at_end = resolved.combine(v, x, end, State())
    torch.testing.assert_close(near, at_end, atol=5e-3, rtol=5e-3)


def test_apg_drops_the_parallel_part():
    """x0 predictions (2, 0) and (1, -1) differ by (1, 1), of which (1, 0) is parallel."""
    v = guided(make("apg", weight=4.0), (-2, 0), (-1, 1))
    assert v == pytest.approx([-2, -3])
    v = guided(make("apg", weight=4.0, eta=0.5), (-2, 0), (-1, 1))
    assert v == pytest.approx([-3.5, -3])


def test_apg_shortens_a_long_update():
    v = guided(make("apg", weight=4.0, max_norm=math.sqrt(0.5)), (-2, 0), (-1, 1))
    assert v == pytest.approx([-2, -1.5])
    assert guided(make("apg", weight=4.0, max_norm=5.0), (-2, 0), (-1, 1)) == pytest.approx(
        [-2, -3]
    )


def test_apg_without_momentum_projection_and_bound_is_cfg():
    x, v = batch()
    plain = make("apg", weight=4.0, eta=1.0, momentum=0.0)
    expected = run(make("cfg", weight=4.0), v, x, step(2))
    torch.testing.assert_close(run(plain, v, x, step(2)), expected, atol=1e-5, rtol=1e-5)


def test_apg_momentum_is_a_running_sum_that_starts_anew_in_each_window():
    method = make("apg", weight=4.0, momentum=-0.6)
    state, average = State(), 0
    for i in (2, 3, 4, 5):
        first, last = (2, 4) if i < 4 else (4, 6)
        average = 0 if i == first else average
        at = step(i, first, last)
        x, v = batch(seed=i)
        run(method, v, x, at, state)
        average = at.t * (v[NULL] - v[STRONG]) - 0.6 * average
        torch.testing.assert_close(state.tensors["momentum"], average)


def test_apg_starts_anew_where_its_schedule_first_exceeds_one():
    rising = make("apg", weight={"schedule": "linear", "start": 0.5, "end": 4.0})
    betas = [getattr(rising.at(step(i)), "momentum", None) for i in range(8)]
    assert betas == [None, None, 0.0, -0.5, -0.5, -0.5, -0.5, -0.5]
    starts_at_one = make("apg", weight={"schedule": "linear", "start": 1.0, "end": 4.0})
    assert starts_at_one.at(step(1)).momentum == 0.0


def test_apg_cut_in_two_equals_the_whole():
    method = make("apg", weight=4.0)
    whole, before = State(), State()
    for i in range(4):
        x, v = batch(seed=i)
        expected = run(method, v, x, step(i), whole)
        if i == 2:
            before = State({key: tensor.clone() for key, tensor in before.tensors.items()})
        assert torch.equal(run(method, v, x, step(i), before), expected)


def test_cfg_zero_star_removes_the_shared_direction():
    method = make("cfg_zero_star", weight=5.0)
    assert guided(method, (1.0, 2.0), (3.0, 6.0)) == pytest.approx([1, 2])
    assert guided(method, (0.0, 2.0), (3.0, 0.0)) == pytest.approx([0, 10])
    assert guided(method, (1.0, 2.0), (0.0, 0.0)) == pytest.approx([5, 10])


def test_cfg_zero_star_starts_still_and_free():
    method = make("cfg_zero_star", weight=5.0, zero_init=2)
    x, v = batch()
    for i in range(4):
        still = i < 2
        assert (method.at(step(i)).signals() == ()) is still
        assert (run(method, v, x, step(i)) == 0).all().item() is still
    later = method.at(step(3, first=3))
    assert later.signals() == (STRONG, NULL)


def test_rescale_restores_the_spread():
    x, v = batch()
    out = run(make("cfg_rescale", weight=8.0, rescale=1.0), v, x, step())
    torch.testing.assert_close(out.flatten(1).std(1), v[STRONG].flatten(1).std(1))
    none = make("cfg_rescale", weight=8.0, rescale=0.0)
    assert none.at(step()) == make("cfg", weight=8.0)


def test_tcfg_keeps_what_lies_along_the_larger_prediction():
    """At t = 0 and x = 0 a prediction of eps is v."""
    method = make("tcfg", weight=3.0)
    assert guided(method, (0.0, 2.0), (1.0, 0.0), t=0.0) == pytest.approx([0, 6], abs=1e-6)
    assert guided(method, (0.0, 2.0), (0.0, 1.0), t=0.0) == pytest.approx([0, 4], abs=1e-6)


def test_mambo_g_fades_with_the_difference():
    c, u = (1.5, 2.0), (0.0, 2.0)
    weight = 1 + 9 * math.exp(-8 * 1.5 / 2)
    assert guided(make("mambo_g", weight=10.0), c, u) == pytest.approx([1.5 * weight, 2.0])
    assert guided(make("mambo_g", weight=10.0, alpha=0.0), c, u) == pytest.approx([15.0, 2.0])
    assert guided(make("mambo_g", weight=10.0), c, (0.0, 0.0)) == pytest.approx(c)

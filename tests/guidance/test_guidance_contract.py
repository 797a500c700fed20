"""What holds for every method: weights of 1 and 0, refusal of arguments, closed forms."""

import pytest
import torch
from guidance_fakes import (
    ALL,
    NONLINEAR,
    NULL_HEAD,
    SCHEDULED,
    SHIFTS,
    SKIP,
    SLOPES,
    WEAK,
    batch,
    linear,
    make,
    run,
    step,
    weak_prediction,
    weak_signals,
)
from pydantic import ValidationError

from w2s.guidance.base import HEAD, NULL, STRONG, Method, Signal, State
from w2s.guidance.registry import METHODS, method_against

NAMES = sorted(METHODS)


@pytest.mark.parametrize("name", NAMES)
def test_weight_one_is_plain_conditional(name):
    assert all(make(name, weight=1.0).at(step(i)) is None for i in range(8))


@pytest.mark.parametrize("name", NAMES)
def test_weight_zero_is_the_weak_signal_alone(name):
    x, v = batch()
    for i in range(8):
        assert make(name, weight=0.0).at(step(i)).signals() == weak_signals(name)
        assert STRONG not in weak_signals(name)
        weak = weak_prediction(name, v, x, step(i))
        assert torch.equal(run(make(name, weight=0.0), v, x, step(i)), weak)


@pytest.mark.parametrize(
    ("name", "weak"),
    [("autoguidance", WEAK), ("cfg", NULL), ("internal", HEAD), ("s2", SKIP), ("skip_layer", SKIP)],
)
def test_the_weak_signals_are_those_of_the_papers(name, weak):
    assert weak_signals(name) == (weak,)
    assert method_against(weak) == {"s2": "skip_layer"}.get(name, name)


def test_no_method_extrapolates_from_a_mixture_of_weaknesses():
    with pytest.raises(LookupError):
        method_against(Signal(null=True, skip=(1,)))


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_to_sweep_rise_and_guide(name):
    tried = METHODS[name].sweep
    assert tried[0] > 1
    assert list(tried) == sorted(set(tried))
    assert all(make(name, weight=w).at(step(3)) is not None for w in tried)


@pytest.mark.parametrize("name", NAMES)
def test_weights_below_one_interpolate(name):
    x, v = batch()
    weak = weak_prediction(name, v, x, step(2, first=2))
    expected = weak + 0.4 * (v[STRONG] - weak)
    torch.testing.assert_close(run(make(name, weight=0.4), v, x, step(2, first=2)), expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_limit_of_weight_one_is_conditional(name):
    x, v = batch()
    for weight in (0.99999, 1.00001):
        guided = run(make(name, weight=weight), v, x, step(2, first=2))
        torch.testing.assert_close(guided, v[STRONG], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_unused_arguments_are_refused(name):
    with pytest.raises(ValidationError, match="unused"):
        make(name, weight=2.0, unused=1)


@pytest.mark.parametrize("name", NAMES)
def test_a_resolved_method_survives_its_record(name):
    resolved = make(name, weight=3.0).at(step(3))
    assert isinstance(resolved, Method)
    assert METHODS[resolved.method](**resolved.model_dump(mode="json")) == resolved
    assert resolved.at(step(3)).model_dump() == resolved.model_dump()


@pytest.mark.parametrize("name", NAMES)
def test_a_schedule_ends_in_the_numbers_it_passes_through(name):
    if name not in SCHEDULED:
        with pytest.raises(ValidationError):
            make(name, weight={"schedule": "linear", "start": 3, "end": 1})
        return
    falling = make(name, weight={"schedule": "linear", "start": 3, "end": 1})
    assert falling.at(step(0)) == make(name, weight=3.0).at(step(0))
    assert falling.at(step(7)) is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("t", [0.0, 1e-6, 1e-3, 1 - 1e-6, 1.0])
def test_finite_at_the_ends_of_time(name, t):
    x, v = batch()
    method, state = make(name, weight=5.0), State()
    for i in (2, 3):
        guided = method.at(step(i, first=2)).combine(v, x, t, state)
    assert torch.isfinite(guided).all()
    assert guided.abs().max() < 100


@pytest.mark.parametrize("name", NAMES)
def test_equal_predictions_are_left_alone(name):
    x, v = batch()
    same = dict.fromkeys(ALL, v[STRONG])
    guided = run(make(name, weight=7.0), same, x, step(2, first=2))
    torch.testing.assert_close(guided, v[STRONG], atol=1e-5, rtol=1e-5)


NAMED = {"c": STRONG, "u": NULL, "m": HEAD, "um": NULL_HEAD, "k": SKIP, "s": WEAK}


def weighted(x, coefficients):
    """The sum of the linear model's predictions, put together slope by slope."""
    slope = sum(c * SLOPES[NAMED[letter]] for letter, c in coefficients.items())
    shift = sum(c * SHIFTS[NAMED[letter]] for letter, c in coefficients.items())
    return slope * x + shift


@pytest.mark.parametrize(
    ("name", "arguments", "coefficients"),
    [
        ("cfg", {"weight": 2.5}, {"c": 2.5, "u": -1.5}),
        ("autoguidance", {"weight": 2.5}, {"c": 2.5, "s": -1.5}),
        ("skip_layer", {"weight": 2.5}, {"c": 2.5, "k": -1.5}),
        ("skip_layer", {"weight": 2.5, "cfg": 4.0}, {"c": 5.5, "u": -3.0, "k": -1.5}),
        ("skip_layer", {"weight": 1.0, "cfg": 4.0}, {"c": 4.0, "u": -3.0}),
        ("internal", {"weight": 2.0}, {"c": 2.0, "m": -1.0}),
        ("internal", {"weight": 2.0, "cfg": 3.0}, {"c": 6.0, "m": -3.0, "u": -4.0, "um": 2.0}),
        ("internal", {"weight": 0.0, "cfg": 3.0}, {"m": 3.0, "um": -2.0}),
        ("s2", {"weight": 1.25, "cfg": 7.5}, {"c": 7.75, "u": -6.5, "k": -0.25}),
        ("s2", {"weight": 1.0, "cfg": 7.5}, {"c": 7.5, "u": -6.5}),
    ],
)
def test_closed_form_on_a_linear_model(name, arguments, coefficients):
    x = batch()[0]
    method = make(name, **arguments)
    resolved = method.at(step(2, first=2))
    assert len(resolved.signals()) == len(coefficients)
    expected = weighted(x, coefficients)
    torch.testing.assert_close(run(method, linear(x), x, step(2, first=2)), expected)


@pytest.mark.parametrize("name", NONLINEAR)
def test_nonlinear_methods_ask_for_the_pair_alone(name):
    assert make(name, weight=3.0).at(step(2, first=2)).signals() == (STRONG, NULL)


def test_a_combination_that_does_not_need_the_condition_does_not_ask_for_it():
    both = make("skip_layer", weight=0.5, cfg=0.5).at(step())
    assert both.signals() == (NULL, Signal(skip=(2, 3)))


def test_several_skip_sets_count_as_their_mean():
    sets = [[1], [2, 3]]
    resolved = make("skip_layer", weight=3.0, blocks=sets).at(step())
    assert resolved.coefficients()[Signal(skip=(1,))] == -1.0
    assert resolved.coefficients()[Signal(skip=(2, 3))] == -1.0
    twice = make("skip_layer", weight=3.0, blocks=[[1], [1]]).at(step())
    assert twice.coefficients()[Signal(skip=(1,))] == -2.0


@pytest.mark.parametrize("blocks", [[], [[]], [3, 2], [2, 2], [-1], [1.5], [[1], 2]])
def test_blocks_that_make_no_sense_are_refused(blocks):
    with pytest.raises(ValidationError):
        make("skip_layer", weight=2.0, blocks=blocks)


@pytest.mark.parametrize("weak", ["", "main"])
def test_the_weak_network_is_another_one(weak):
    with pytest.raises(ValidationError, match="other than main"):
        make("autoguidance", weight=2.0, weak=weak)

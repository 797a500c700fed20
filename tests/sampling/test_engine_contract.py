"""What is promised for every guidance method, seen through the engine."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from engine_methods import NAMES, TIMES, draw, guidance, resolved, weak_signals, weak_velocity

from w2s.conditions.base import Condition
from w2s.guidance.base import NULL, STRONG
from w2s.guidance.registry import METHODS
from w2s.sampling.denoiser import Denoiser

CONDITION_DEPENDENT = [n for n in NAMES if any(signal.null for signal in weak_signals(n))]
SCHEDULED = [n for n in NAMES if METHODS[n].model_fields["weight"].annotation is not float]
ON_CFG = [n for n in NAMES if "cfg" in METHODS[n].model_fields]


@pytest.fixture
def denoiser(net, weak):
    return Denoiser(net, {"small": weak})


class Asked:
    """A denoiser that remembers what it was asked for."""

    def __init__(self, denoiser):
        self.denoiser, self.signals = denoiser, []

    def __call__(self, x, t, condition, signals):
        self.signals.append(set(signals))
        return self.denoiser(x, t, condition, signals)


@pytest.mark.parametrize("solver", ["euler", "heun", "sde"])
@pytest.mark.parametrize("name", NAMES)
def test_weight_one_is_conditional_to_the_bit_and_free(denoiser, x, condition, name, solver):
    plain, _ = draw(denoiser, x, condition, [None] * 6, solver)
    cost = denoiser.forwards
    guided, _ = draw(denoiser, x, condition, resolved(guidance(name, 1.0)), solver)
    assert torch.equal(guided, plain)
    assert denoiser.forwards == 2 * cost


@pytest.mark.parametrize("name", NAMES)
def test_weight_zero_is_the_weak_signal_alone(denoiser, x, condition, name):
    asked = Asked(denoiser)
    guided, _ = draw(asked, x, condition, resolved(guidance(name, 0.0)))
    assert asked.signals == [weak_signals(name)] * 6
    assert STRONG not in weak_signals(name)
    for t, s in pairwise(TIMES):
        x = x + (s - t) * weak_velocity(name, denoiser, x, t, condition)
    torch.testing.assert_close(guided, x, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_between_interpolates(denoiser, x, condition, name):
    guided, _ = draw(denoiser, x, condition, resolved(guidance(name, 0.4)), stop=1)
    weak = weak_velocity(name, denoiser, x, 1.0, condition)
    v = denoiser(x, 1.0, condition, [STRONG])[STRONG]
    expected = x + (TIMES[1] - 1) * (weak + 0.4 * (v - weak))
    torch.testing.assert_close(guided, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_outside_of_its_window_sampling_is_plain_conditional(denoiser, x, condition, name):
    asked, window = Asked(denoiser), [TIMES[4], TIMES[1]]
    methods = resolved(guidance(name, window=window))
    outside = [True, False, False, False, True, True]
    assert [method is None for method in methods] == outside
    before, _ = draw(asked, x, condition, methods, stop=1)
    inside, state = draw(asked, before, condition, methods, start=1, stop=4)
    after, _ = draw(asked, inside, condition, methods, start=4, state=state)
    assert [s == {STRONG} for s in asked.signals] == outside
    assert torch.equal(before, draw(denoiser, x, condition, [None] * 6, stop=1)[0])
    assert torch.equal(after, draw(denoiser, inside, condition, [None] * 6, start=4)[0])


@pytest.mark.parametrize("name", NAMES)
def test_a_negative_prompt_takes_the_place_of_null_and_of_nothing_else(
    denoiser, x, condition, name
):
    methods = resolved(guidance(name))
    negative = Condition(condition.given, (torch.tensor([2, 2, 0, 1]),))
    ordinary, _ = draw(denoiser, x, condition, methods)
    prompted, _ = draw(denoiser, x, negative, methods)
    changed = (ordinary - prompted).norm() > 1e-3 * ordinary.norm()
    assert changed == (name in CONDITION_DEPENDENT)
    assert changed or torch.equal(ordinary, prompted)


@pytest.mark.parametrize("name", ON_CFG)
def test_in_methods_on_top_of_cfg_the_weak_signal_keeps_the_positive_prompt(
    denoiser, x, condition, name
):
    asked = Asked(denoiser)
    draw(asked, x, condition, resolved({**guidance(name), "cfg": 2.0}))
    for signals in asked.signals:
        nulls = {s for s in signals if s.null}
        weak = weak_signals(name)
        assert NULL in nulls <= {NULL, *(replace(signal, null=True) for signal in weak)}
        assert {STRONG, *weak} <= signals


@pytest.mark.parametrize("name", NAMES)
def test_a_window_in_t_is_the_window_of_its_steps(denoiser, x, condition, name):
    in_t = resolved(guidance(name, window=[TIMES[4], TIMES[1]]))
    in_steps = resolved(guidance(name, steps=[1, 4]))
    assert in_t == in_steps
    results = [draw(denoiser, x, condition, methods)[0] for methods in (in_t, in_steps)]
    assert torch.equal(*results)


@pytest.mark.parametrize("name", SCHEDULED)
def test_a_second_order_step_uses_one_weight(denoiser, x, condition, name):
    """With the weight of a step in both evaluations, a schedule is its numbers in turn."""
    ramp = {"schedule": "linear", "start": 4.0, "end": 1.5}
    scheduled, _ = draw(denoiser, x, condition, resolved(guidance(name, ramp)), "heun")
    numbers = [4.0 - 0.5 * i for i in range(6)]
    each = [resolved(guidance(name, w))[i] for i, w in enumerate(numbers)]
    in_turn, _ = draw(denoiser, x, condition, each, "heun")
    assert torch.equal(scheduled, in_turn)

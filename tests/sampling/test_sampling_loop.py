import pytest
import torch
from engine_methods import TIMES, draw
from pydantic import TypeAdapter

from w2s.guidance.base import NULL, STRONG, Method, State
from w2s.guidance.blend import Blend
from w2s.guidance.methods.apg import APG
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.methods.skip_layer import SkipLayer
from w2s.guidance.windows import Guidance, resolve
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.loop import states
from w2s.sampling.noise import step_noise

SKIP = SkipLayer(weight=2.5, blocks=(2, 4))
APG_STEPS = [APG(weight=3.0, momentum=m) for m in (0.0, -0.5, -0.5)]
MIXED = [
    CFG(weight=3.0),
    *APG_STEPS,
    Blend(first=APG_STEPS[1], second=SKIP, factor=0.3),
    SKIP,
]


class Counting(Method):
    """Counts in its state how often it was asked."""

    method: str = "counting"

    def signals(self):
        return (STRONG,)

    def combine(self, v, x, t, state):
        state.tensors["count"] = state.tensors.get("count", torch.zeros(len(x))) + 1
        return v[STRONG]


@pytest.mark.parametrize("solver", ["euler", "heun", "sde"])
@pytest.mark.parametrize("cut", range(7))
def test_a_trajectory_cut_anywhere_equals_the_uncut_one(net, x, condition, solver, cut):
    whole, _ = draw(Denoiser(net), x, condition, MIXED, solver)
    half, state = draw(Denoiser(net), x, condition, MIXED, solver, stop=cut)
    rest, _ = draw(Denoiser(net), half, condition, MIXED, solver, start=cut, state=state)
    assert torch.equal(whole, rest)


def test_weight_one_is_conditional_sampling_to_the_bit_and_runs_no_weak_forward(net, x, condition):
    guidance = TypeAdapter(Guidance).validate_python(
        [
            {"method": "cfg", "weight": 1, "window": [0.5, 1]},
            {"method": "skip_layer", "weight": 1, "blocks": [2], "window": [0, 0.5]},
        ]
    )
    guided, plain = Denoiser(net), Denoiser(net)
    got, _ = draw(guided, x, condition, resolve(guidance, TIMES))
    want, _ = draw(plain, x, condition, [None] * 6)
    assert torch.equal(got, want)
    assert guided.forwards == plain.forwards == 6


def test_a_plain_euler_run_is_the_textbook_loop(net, x, condition):
    got, _ = draw(Denoiser(net), x, condition, [CFG(weight=2.0)] * 6)
    null = torch.full((4,), net.null_class)
    with torch.no_grad():
        for i in range(6):
            t = torch.full((4,), 1 - i / 6)
            v, u = net(x, t, condition.given[0]), net(x, t, null)
            x = x - (u + 2 * (v - u)) / 6
    assert torch.allclose(got, x, rtol=1e-5, atol=1e-5)


def test_state_advances_once_a_step_also_in_a_second_order_solver(net, x, condition):
    methods = [Counting()] * 6
    for solver in ("euler", "heun"):
        _, state = draw(Denoiser(net), x, condition, methods, solver)
        assert state.tensors["count"].tolist() == [6] * 4


def test_heun_guides_both_evaluations_alike(net, x, condition):
    denoiser, seen = Denoiser(net), []

    def spy(x, t, condition, signals):
        seen.append((round(t, 3), set(signals)))
        return denoiser(x, t, condition, signals)

    draw(spy, x, condition, [CFG(weight=2.0), None, *[CFG(weight=0.0)] * 4], "heun", stop=2)
    both, alone = {STRONG, NULL}, {STRONG}
    assert seen == [(1.0, both), (0.833, both), (0.833, alone), (0.667, alone)]


def test_the_given_state_is_not_written_to_and_progress_is_told_of_each_step(net, x, condition):
    start, told = State({"count": torch.ones(4)}), []
    draw(Denoiser(net), x, condition, [Counting()] * 6, start=2, state=start, progress=told.append)
    assert start.tensors["count"].tolist() == [1] * 4
    assert told == [2, 3, 4, 5]


@pytest.mark.parametrize("solver", ["heun", "sde"])
def test_states_are_those_of_the_trajectory_cut_at_each_time(net, x, condition, solver):
    way = states(
        Denoiser(net),
        x,
        condition,
        times=TIMES,
        methods=MIXED,
        solver=solver,
        noise=lambda step: step_noise([(0, i) for i in range(len(x))], x.shape[1:], step),
    )
    for stop, found in enumerate(way):
        expected, _ = draw(Denoiser(net), x, condition, MIXED, solver, stop=stop)
        assert torch.equal(found, expected)
    assert stop == len(MIXED)

"""Exact networks in the engine: what a hand-written denoiser gives, to the last bit."""

import pytest
import torch
from pydantic import TypeAdapter

from w2s.conditions.labels import Labels
from w2s.errors import UserError
from w2s.guidance.base import NULL, STRONG, Signal
from w2s.guidance.registry import METHODS
from w2s.guidance.windows import Guidance, resolve
from w2s.models.load import build
from w2s.models.registry import family_of, shape_of
from w2s.plane.errors import Errors
from w2s.plane.exact import ExactNetwork
from w2s.plane.mixture import Mixture
from w2s.plane.tree import WORLDS, balanced
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.grid import time_grid
from w2s.sampling.loop import sample
from w2s.sampling.noise import initial_noise, step_noise
from w2s.sampling.trajectories import nets_of, signals_of

FEW = WORLDS["few"]
MAIN, WEAK = Errors(blur=0.1, smooth=0.03), Errors(blur=0.3, smooth=0.06)
SAMPLES = [(3, i) for i in range(24)]
LABELS = torch.from_numpy(balanced(24, 4))
CONDITION = Labels(4).condition(LABELS)
TIMES = time_grid(6, shift=0.2)
SGG = [
    {"window": [0.5, 1], "blend": 0.2, "method": "cfg", "weight": 1.5},
    {"window": [0, 0.5], "method": "autoguidance", "weak": "weak", "weight": 2},
]
GUIDANCE = {
    name: [{"method": name, "weight": 2.5, **METHODS[name].example}] for name in METHODS
} | {"sgg": SGG, "none": []}


def resolved(windows):
    return resolve(TypeAdapter(Guidance).validate_python(windows), TIMES)


# What examples call their weak network, and SGG below.
WEAK_NAMES = {net for windows in GUIDANCE.values() for net in nets_of(resolved(windows))}


def possible(windows):
    asked = {signal for method in resolved(windows) for signal in signals_of(method)}
    return not any(signal.head or signal.skip for signal in asked)


class ByHand:
    """Velocities of the mixtures, one signal at a time."""

    def __init__(self):
        known = {"main": MAIN} | dict.fromkeys(WEAK_NAMES, WEAK)
        self.nets = {name: Mixture(errors.applied(FEW.grow())) for name, errors in known.items()}

    def __call__(self, x, t, condition, signals):
        return {signal: self.velocity(x, t, condition, signal) for signal in signals}

    def velocity(self, x, t, condition, signal):
        t = float(torch.tensor(t, dtype=torch.float32))  # what a network is told
        (labels,) = condition.null if signal.null else condition.given
        v = self.nets[signal.net].velocity(x.flatten(1), t, labels)
        return v.reshape(x.shape).to(x.dtype)


def engine(**how):
    weak = {name: ExactNetwork(FEW, WEAK) for name in WEAK_NAMES}
    return Denoiser(ExactNetwork(FEW, MAIN), weak, **how)


def drawn(denoiser, windows, solver="heun"):
    x, _ = sample(
        denoiser,
        initial_noise(SAMPLES, (2, 1, 1)),
        CONDITION,
        times=TIMES,
        methods=resolved(windows),
        solver=solver,
        noise=lambda step: step_noise(SAMPLES, (2, 1, 1), step),
    )
    return x


@pytest.mark.parametrize("name", [name for name in GUIDANCE if possible(GUIDANCE[name])])
def test_every_method_samples_as_by_hand(name):
    for solver in ("heun", "sde"):
        guided = drawn(engine(), GUIDANCE[name], solver)
        assert torch.equal(guided, drawn(ByHand(), GUIDANCE[name], solver))
        assert guided.isfinite().all()
    if name != "none":
        assert not torch.allclose(drawn(engine(), GUIDANCE[name]), drawn(engine(), []))


def test_only_heads_and_skipped_blocks_are_out_of_reach():
    out = {name for name in GUIDANCE if not possible(GUIDANCE[name])}
    assert {"internal", "skip_layer"} <= out
    assert {"cfg", "autoguidance", "adg", "apg", "sgg"}.isdisjoint(out)
    with pytest.raises(UserError, match="mid head of network 'main', which has none"):
        drawn(engine(), GUIDANCE["internal"])


def test_one_batch_of_all_signals_gives_the_same():
    signals = [STRONG, NULL, Signal(net="weak")]
    x = torch.randn(24, 2, 1, 1)
    apart, together = (
        engine(batched=batched)(x, 0.4, CONDITION, signals) for batched in (False, True)
    )
    for signal in signals:
        assert torch.allclose(apart[signal], together[signal], atol=1e-6)


def test_inside_is_double_whatever_the_precision():
    x = torch.randn(24, 2, 1, 1)
    exact = engine()(x, 0.01, CONDITION, [STRONG])[STRONG]
    low = engine(precision="bf16")(x, 0.01, CONDITION, [STRONG])[STRONG]
    assert torch.equal(low, exact)


def test_a_signal_costs_one_forward():
    denoiser = engine()
    drawn(denoiser, SGG[1:])
    inside = sum(t <= 0.5 for t in TIMES[:-1])
    evaluations = 2 * len(TIMES[:-1]) - 1
    assert denoiser.forwards == evaluations + 2 * inside - 1


def test_samples_of_different_times_are_refused():
    net = ExactNetwork(FEW, MAIN)
    state = net.embed(torch.zeros(2, 2, 1, 1), torch.tensor([0.2, 0.3]), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="one time"):
        net.block(0, state)


def test_a_config_is_the_whole_network():
    net = ExactNetwork(FEW, Errors(shallow=2, blur=0.2))
    again = build(net.config())
    assert net.state_dict() == {}, "nothing to save beside the configuration"
    assert again.config() == net.config()
    x, t = torch.randn(24, 2, 1, 1), torch.full((24,), 0.3)
    states = [each.block(0, each.embed(x, t, LABELS)) for each in (net, again)]
    assert torch.equal(*(state.values for state in states))


def test_the_family_says_what_the_network_is():
    net = ExactNetwork(FEW, MAIN)
    family, config = family_of(net.config()), net.config()
    shape = shape_of(config)
    assert (shape.depth, shape.head_at) == (net.depth, net.head_at) == (len(net.blocks), None)
    assert family.latents(config) == (2, 1, 1)
    assert family.classes(config) == net.null_class == 4
    assert family.parameters(config) == sum(p.numel() for p in net.parameters()) == 0
    assert family.take({}, config, "full") == ({}, config)
    for part in ("head", {"skip": [0]}):
        with pytest.raises(UserError, match="has no parts"):
            family.part_config(config, part)
    with pytest.raises(AttributeError):
        net.read_head(net.embed(torch.zeros(1, 2, 1, 1), torch.ones(1), LABELS[:1]))

"""Invariances: samples are independent, affine methods know no space, scales convert."""

import pytest
import torch
from guidance_fakes import AFFINE, NONLINEAR, batch, make, run, step, weak_prediction
from hypothesis import given, settings
from hypothesis import strategies as st

from w2s.guidance.affine import Affine
from w2s.guidance.base import NULL, STRONG, Signal, State
from w2s.guidance.registry import METHODS

NAMES = st.sampled_from(sorted(METHODS))
EXTRAPOLATING = st.sampled_from([n for n in METHODS if issubclass(METHODS[n], Affine)])
WEIGHTS = st.floats(0, 12)
FEW = settings(max_examples=60, deadline=None)


def sequence(method, batches):
    """Three steps in a row with their state, as in a window of a trajectory."""
    state = State()
    return [
        run(method, v, x, step(3 + i, first=3, last=8), state) for i, (x, v) in enumerate(batches)
    ]


def subset(batches, rows):
    return [(x[rows], {s: p[rows] for s, p in v.items()}) for x, v in batches]


@FEW
@given(name=NAMES, weight=WEIGHTS, order=st.permutations(range(5)))
def test_permuting_the_batch_permutes_the_result(name, weight, order):
    method = make(name, weight=weight)
    batches = [batch(5, seed) for seed in range(3)]
    straight = sequence(method, batches)
    permuted = sequence(method, subset(batches, list(order)))
    for one, other in zip(straight, permuted, strict=True):
        torch.testing.assert_close(one[list(order)], other, atol=1e-5, rtol=1e-5)


@FEW
@given(name=NAMES, weight=WEIGHTS, cut=st.integers(1, 4))
def test_splitting_the_batch_changes_no_sample(name, weight, cut):
    method = make(name, weight=weight)
    batches = [batch(5, seed) for seed in range(3)]
    whole = sequence(method, batches)
    parts = [sequence(method, subset(batches, rows)) for rows in (slice(cut), slice(cut, None))]
    for one, *halves in zip(whole, *parts, strict=True):
        torch.testing.assert_close(one, torch.cat(halves), atol=1e-5, rtol=1e-5)


def spaces(method, t, seed=0):
    """The guided velocity when the method is fed velocities, noises, and clean images."""
    x, v = batch(2, seed)
    resolved, state = method.at(step(3, first=3)), State()
    guided = resolved.combine(v, x, t, state)
    noise = resolved.combine({s: x + (1 - t) * p for s, p in v.items()}, x, t, State())
    clean = resolved.combine({s: x - t * p for s, p in v.items()}, x, t, State())
    return guided, (noise - x) / (1 - t), (x - clean) / t


@FEW
@given(
    name=st.sampled_from(sorted(AFFINE)),
    weight=st.floats(1.1, 12),
    t=st.floats(0.2, 0.8),
    seed=st.integers(0, 100),
)
def test_affine_methods_agree_in_velocity_noise_and_clean_image(name, weight, t, seed):
    guided, from_noise, from_clean = spaces(make(name, weight=weight), t, seed)
    scale = float(guided.abs().max())
    torch.testing.assert_close(from_noise, guided, atol=1e-4 * scale, rtol=0)
    torch.testing.assert_close(from_clean, guided, atol=1e-4 * scale, rtol=0)


def bare(method, v):
    """The method's formula on these very tensors: where they are x0 or noise up to sign."""
    x = torch.zeros_like(v[STRONG])
    return method.at(step(3, first=3)).combine(v, x, 0.0 if method.space == "ε" else 1.0, State())


@pytest.mark.parametrize("name", sorted(NONLINEAR))
def test_nonlinear_methods_are_computed_where_they_are_defined_and_differ_elsewhere(name):
    method, t = make(name, weight=6.0), 0.6
    x, v = batch(2)
    guided = method.at(step(3, first=3)).combine(v, x, t, State())
    results = {
        "v": bare(method, v),
        "ε": (bare(method, {s: x + (1 - t) * p for s, p in v.items()}) - x) / (1 - t),
        "x0": (x - bare(method, {s: x - t * p for s, p in v.items()})) / t,
    }
    torch.testing.assert_close(results.pop(method.space), guided, atol=1e-4, rtol=1e-4)
    assert all((other - guided).abs().max() > 0.01 for other in results.values())


@FEW
@given(s=st.floats(0, 10), name=EXTRAPOLATING)
def test_the_other_scale_convention_is_one_less(s, name):
    x, v = batch()
    method = make(name, weight=1 + s)
    expected = v[STRONG] + s * (v[STRONG] - weak_prediction(name, v, x, step()))
    torch.testing.assert_close(run(method, v, x, step()), expected, atol=1e-4, rtol=1e-5)


def test_only_the_null_prediction_follows_a_negative_prompt():
    negative = Signal(null=True)
    assert negative == NULL
    for name in ("autoguidance", "skip_layer", "internal", "s2"):
        resolved = make(name, weight=3.0).at(step(2))
        assert not any(signal.null for signal in resolved.signals())


@pytest.mark.parametrize("name", sorted(METHODS))
def test_predictions_and_state_are_not_altered_in_place(name):
    method, state = make(name, weight=3.0), State()
    for i in range(2):
        x, v = batch(seed=i)
        before = [x.clone(), *(p.clone() for p in v.values())]
        kept = dict(state.tensors)
        copies = {key: tensor.clone() for key, tensor in kept.items()}
        run(method, v, x, step(i), state)
        assert all(torch.equal(a, b) for a, b in zip(before, [x, *v.values()], strict=True))
        assert all(torch.equal(kept[key], copies[key]) for key in kept)

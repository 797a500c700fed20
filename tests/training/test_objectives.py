"""Objectives: closed forms, gradients, fixed points, and the parameters they refuse."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from w2s.training.objectives import objective_from

PUSHED = ["mg", "br", "ag", "slg", "sgg"]


@pytest.fixture
def tensors():
    torch.manual_seed(0)
    v, u, gap, head = torch.randn(4, 5, 2, 3, 3, dtype=torch.float64)
    return v.requires_grad_(), u, gap, head.requires_grad_()


T = torch.tensor([0.05, 0.19, 0.2, 0.5, 0.9], dtype=torch.float64)


def per_sample(x):
    return x.square().mean(dim=(1, 2, 3))


def test_plain_ignores_every_signal(tensors):
    v, u, gap, head = tensors
    loss = objective_from({"name": "none"}).loss(v, u, T, gap, head)
    torch.testing.assert_close(loss, per_sample(v - u))


@pytest.mark.parametrize("name", PUSHED)
def test_the_target_moves_away_from_the_weak_signal(tensors, name):
    v, u, gap, head = tensors
    loss = objective_from({"name": name, "scale": 0.4}).loss(v, u, T, gap, head)
    torch.testing.assert_close(loss, per_sample(v - u - 0.4 * gap))


@pytest.mark.parametrize("name", PUSHED)
def test_no_gradient_reaches_the_signals(tensors, name):
    v, u, _, head = tensors
    gap = (v - head) * 1.0
    objective_from({"name": name}).loss(v, u, T, gap, head).sum().backward()
    assert head.grad is None
    scale = objective_from({"name": name}).scale
    torch.testing.assert_close(v.grad, 2 * (v - u - scale * gap).detach() / 18)


@given(st.floats(0, 0.8), st.floats(-3, 3), st.floats(-3, 3))
def test_the_fixed_point_is_guidance_by_one_over_one_minus_k(k, u, weak):
    """Iterating v <- u + k (v - weak) ends at weak + w (u - weak), w = 1 / (1 - k)."""
    v = u
    for _ in range(400):
        v = u + k * (v - weak)
    assert v == pytest.approx(weak + (u - weak) / (1 - k), abs=1e-9)


@pytest.mark.parametrize("name", ["none", *PUSHED, "sgg_code"])
def test_descent_ends_at_the_guidance_that_the_objective_states(tensors, name):
    v, u, _, weak = (part.detach() for part in tensors)
    objective = objective_from({"name": name})
    windows = [(p.low, p.high) for p in objective.pulls()]
    inside = torch.tensor([any(low <= t <= high for low, high in windows) for t in T])
    for _ in range(300):
        v.requires_grad_()
        gap = (v - weak) * inside[:, None, None, None]
        (slope,) = torch.autograd.grad(objective.loss(v, u, T, gap, weak).sum(), v)
        v = v.detach() - 0.3 * slope * v[0].numel()
    stated = [
        next((w for _, low, high, w in objective.trained_in() if low <= t <= high), 1.0) for t in T
    ]
    w = torch.tensor(stated, dtype=torch.float64)[:, None, None, None]
    torch.testing.assert_close(v, weak + w * (u - weak))


def test_the_released_code_in_its_three_stretches(tensors):
    v, u, gap, head = tensors
    objective = objective_from({"name": "sgg_code", "scale": 0.6, "window": [0.2, 0.8]})
    inside = (T >= 0.2) & (T <= 0.8)
    gap = gap * inside[:, None, None, None]
    loss = objective.loss(v, u, T, gap, head)
    plain, pulled = per_sample(v - u), per_sample(v - u) + 0.2 * per_sample(v - head)
    guided = per_sample(v - u - 0.6 * gap)
    expected = torch.where(inside, guided, torch.where(T < 0.2, pulled, plain))
    torch.testing.assert_close(loss, expected)


def test_the_released_code_pulls_where_the_paper_pushes(tensors):
    v, _, _, head = tensors
    u = v.detach().clone()  # so that only the weak term has a gradient
    t = torch.full((5,), 0.1, dtype=torch.float64)
    gap = (v - head).detach()
    along = {}
    for name, seen in [("sgg", gap), ("sgg_code", torch.zeros_like(gap))]:
        v.grad = head.grad = None
        objective_from({"name": name}).loss(v, u, t, seen, head).sum().backward()
        along[name] = float((v.grad * gap).sum())
        assert (head.grad is None) == (name == "sgg")
    assert along["sgg"] < 0 < along["sgg_code"]


def test_which_samples_read_which_signal():
    """The two windows of SGG part at tau; each objective names its own weak signal."""
    head, null = objective_from({"name": "sgg", "tau": 0.3}).pulls()
    assert (head.weak.head, head.low, head.high, head.ema) == (True, 0.0, 0.3, False)
    assert (null.weak.null, null.low, null.high, null.ema) == (True, 0.3, 1.0, True)
    (skip,) = objective_from({"name": "slg", "skip": [4, 2, 4], "window": [0.1, 0.6]}).pulls()
    assert (skip.weak.skip, skip.low, skip.high) == ((2, 4), 0.1, 0.6)
    (separate,) = objective_from({"name": "ag"}).pulls()
    assert separate.weak.net == "weak"
    assert objective_from({"name": "none"}).pulls() == ()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "mg", "scale": 1.0}, "k = 1.0 diverges.*choose k below 1"),
        ({"name": "br", "scale": 2}, "diverges"),
        ({"name": "br", "scale": -0.1}, "greater than or equal to 0"),
        ({"name": "ag", "scale": float("nan")}, "finite"),
        ({"name": "mg", "window": [0.5, 0.2]}, "must rise and lie within 0 to 1"),
        ({"name": "mg", "window": [0.0, 1.5]}, "must rise and lie within 0 to 1"),
        ({"name": "mg", "window": [0.0]}, "window"),
        ({"name": "sgg", "tau": 1.2}, "less than or equal to 1"),
        ({"name": "slg", "skip": []}, "at least 1"),
        ({"name": "slg", "skip": [-1]}, "greater than or equal to 0"),
        ({"name": "mg", "scales": 0.5}, "Extra inputs"),
        ({"name": "mgg"}, "does not match any of the expected tags"),
    ],
)
def test_bad_parameters_are_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        objective_from(fields)


def test_every_parameter_is_documented_and_torch_stays_out():
    from w2s.training.objectives import _ADAPTER

    for definition in _ADAPTER.json_schema()["$defs"].values():
        for name, field in definition["properties"].items():
            assert name == "name" or field["description"].endswith(".")
    code = "import sys, w2s.training.objectives, w2s.training.check, w2s.weak.extract;"
    code += "sys.exit('torch' in sys.modules)"
    environment = {"PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)

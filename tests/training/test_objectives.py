"""Objectives: closed forms, gradients, fixed points, and the parameters they refuse."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from w2s.guidance.base import Signal
from w2s.training.objectives import objective_from
from w2s.training.objectives.base import Pull

PUSHED = ["mg", "br", "ag", "slg", "sgg"]


@pytest.fixture
def tensors():
    torch.manual_seed(0)
    v, u, push, head = torch.randn(4, 5, 2, 3, 3, dtype=torch.float64)
    return v.requires_grad_(), u, push, head.requires_grad_()


T = torch.tensor([0.05, 0.19, 0.2, 0.5, 0.9], dtype=torch.float64)


def per_sample(x):
    return x.square().mean(dim=(1, 2, 3))


@pytest.mark.parametrize("name", ["none", *PUSHED])
def test_the_target_moves_by_the_push(tensors, name):
    v, u, push, head = tensors
    loss = objective_from({"name": name}).loss(v, u, T, push, head)
    torch.testing.assert_close(loss, per_sample(v - u - push))


@pytest.mark.parametrize("name", PUSHED)
def test_no_gradient_reaches_the_signals(tensors, name):
    v, u, _, head = tensors
    push = 0.4 * (v - head)
    objective_from({"name": name}).loss(v, u, T, push, head).sum().backward()
    assert head.grad is None
    torch.testing.assert_close(v.grad, 2 * (v - u - push).detach() / 18)


@given(st.floats(0, 0.8), st.floats(-3, 3), st.floats(-3, 3))
def test_the_fixed_point_is_guidance_by_one_over_one_minus_k(k, u, weak):
    """Iterating v <- u + k (v - weak) ends at weak + w (u - weak), w = 1 / (1 - k)."""
    v = u
    for _ in range(400):
        v = u + k * (v - weak)
    assert v == pytest.approx(weak + (u - weak) / (1 - k), abs=1e-9)


def pushed(objective, t, strong, weak):
    """k (strong - weak) of the window that holds each time, every weak signal being `weak`."""
    strengths = torch.zeros_like(t)
    for pull in objective.pulls():
        strengths[(t > pull.low) & (t <= pull.high)] = pull.scale
    return strengths[:, None, None, None] * (strong - weak)


THREE = {
    "name": "windows",
    "windows": [
        {"window": [0.6, 0.95], "away_from": "unconditional", "scale": 0.2},
        {"window": [0.1, 0.4], "away_from": "head", "scale": 0.5},
    ],
}


@pytest.mark.parametrize(
    "fields",
    [
        *({"name": n} for n in ["none", *PUSHED, "sgg_code"]),
        THREE,
        {"name": "sgg", "scale": [0, 0.6]},
    ],
)
def test_descent_ends_at_the_guidance_that_the_objective_states(tensors, fields):
    v, u, _, weak = (part.detach() for part in tensors)
    objective = objective_from(fields)
    for _ in range(300):
        v.requires_grad_()
        push = pushed(objective, T, v, weak)
        (slope,) = torch.autograd.grad(objective.loss(v, u, T, push, weak).sum(), v)
        v = v.detach() - 0.3 * slope * v[0].numel()
    stated = [
        next((w for _, low, high, w in objective.trained_in() if low < t <= high), 1.0) for t in T
    ]
    w = torch.tensor(stated, dtype=torch.float64)[:, None, None, None]
    torch.testing.assert_close(v, weak + w * (u - weak))


def test_the_released_code_in_its_three_stretches(tensors):
    v, u, push, head = tensors
    objective = objective_from({"name": "sgg_code", "scale": 0.6, "window": [0.2, 0.8]})
    inside = (T > 0.2) & (T <= 0.8)
    push = push * inside[:, None, None, None]
    loss = objective.loss(v, u, T, push, head)
    plain, pulled = per_sample(v - u), per_sample(v - u) + 0.2 * per_sample(v - head)
    expected = torch.where(inside, per_sample(v - u - push), torch.where(T <= 0.2, pulled, plain))
    torch.testing.assert_close(loss, expected)


def test_the_released_code_pulls_where_the_paper_pushes(tensors):
    v, _, _, head = tensors
    u = v.detach().clone()  # so that only the weak term has a gradient
    t = torch.full((5,), 0.1, dtype=torch.float64)
    gap = (v - head).detach()
    along = {}
    for name, seen in [("sgg", 0.5 * gap), ("sgg_code", torch.zeros_like(gap))]:
        v.grad = head.grad = None
        objective_from({"name": name}).loss(v, u, t, seen, head).sum().backward()
        along[name] = float((v.grad * gap).sum())
        assert (head.grad is None) == (name == "sgg")
    assert along["sgg"] < 0 < along["sgg_code"]


def window(away_from, low=0.0, high=1.0, scale=0.3, **more):
    return {"window": [low, high], "away_from": away_from, "scale": scale} | more


@pytest.mark.parametrize(
    ("named", "windows"),
    [
        ({"name": "mg", "scale": 0.45, "window": [0, 0.75]}, [("unconditional", 0, 0.75, 0.45)]),
        ({"name": "br", "scale": 0.5}, [("head", 0, 1, 0.5)]),
        ({"name": "ag", "window": [0.2, 1]}, [("weak", 0.2, 1)]),
        (
            {"name": "sgg", "scale": [0.2, 0.5], "tau": 0.85},
            [("head", 0, 0.85, 0.5), ("unconditional", 0.85, 1, 0.2)],
        ),
        (
            {"name": "sgg", "scale": 0.6, "tau": 0.2},
            [("head", 0, 0.2, 0.6), ("unconditional", 0.2, 1, 0.6)],
        ),
    ],
)
def test_a_named_objective_is_a_list_of_windows(named, windows):
    listed = {"name": "windows", "windows": [window(*w) for w in windows]}
    assert objective_from(named).pulls() == objective_from(listed).pulls()


def test_every_part_of_a_window_is_passed_on():
    skipped = window("skipped", 0.1, 0.6, skip=[4, 2, 4], weak_ema=True)
    (pull,) = objective_from({"name": "windows", "windows": [skipped]}).pulls()
    assert pull == Pull(Signal(skip=(2, 4)), 0.1, 0.6, 0.3, ema=True)
    slg = {"name": "slg", "skip": [4, 2, 4], "window": [0.1, 0.6]}
    assert objective_from(slg).pulls() == (replace(pull, ema=False),)
    both = window("unconditional", skip=[1])
    (pull,) = objective_from({"name": "windows", "windows": [both]}).pulls()
    assert pull.weak == Signal(null=True, skip=(1,))
    for name, ema in (("mg", True), ("br", True), ("mg", False), ("br", False)):
        (pull,) = objective_from({"name": name, "weak_ema": ema}).pulls()
        assert pull.ema is ema
    assert [p.ema for p in objective_from({"name": "sgg", "weak_ema": True}).pulls()] == [0, 1]


def test_one_strength_of_sgg_is_written_as_before():
    fields = {"name": "sgg", "scale": 0.2, "tau": 0.5, "weak_ema": True}
    assert objective_from(fields).model_dump(mode="json") == fields


def test_what_an_objective_reads():
    reads = {
        "none": (False, False), "mg": (False, False), "br": (True, False), "ag": (False, True),
        "slg": (False, False), "sgg": (True, False), "sgg_code": (False, False),
    }  # fmt: skip
    for name, (head, weak) in reads.items():
        objective = objective_from({"name": name})
        assert (objective.reads_head, objective.reads_weak) == (head, weak)


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
        ({"name": "sgg", "scale": [0.2, 1.0]}, "k = 1.0 diverges"),
        ({"name": "sgg", "scale": [0.2]}, "Field required"),
        ({"name": "windows", "windows": []}, "at least 1"),
        ({"name": "windows", "windows": [window("head", scale=1.5)]}, "diverges"),
        ({"name": "windows", "windows": [window("null")]}, "'unconditional', 'head', 'skipped'"),
        ({"name": "windows", "windows": [window("skipped")]}, "under skip"),
        ({"name": "windows", "windows": [window("weak", skip=[1])]}, "by its own part"),
        (
            {"name": "windows", "windows": [window("head", 0, 0.6), window("head", 0.5, 1)]},
            "overlap between t = 0.5 and 0.6",
        ),
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

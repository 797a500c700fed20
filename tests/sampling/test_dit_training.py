"""A tiny DiT trained on noise, then drawn by the ordinary segment under guidance."""

import pytest
import torch
from safetensors.torch import load_file
from tiny_dit import LATENTS, config
from toy_backbone import saved

from w2s.guidance.methods.cfg import CFG
from w2s.job import Execution, Job
from w2s.models.load import build
from w2s.models.registry import family_of
from w2s.models.vp import Schedule, levels
from w2s.sampling import segment
from w2s.sampling.trajectories import encode

CLASSES, STEPS, SPREAD = 3, 20, 0.3
PLACES = torch.randn(CLASSES, *LATENTS, generator=torch.Generator().manual_seed(5)).sign()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a DiT that learned three patterns, by DiT's own loss on noise."""
    torch.manual_seed(0)
    net = build(config(classes=CLASSES, hidden=48, depth=2))
    adam = torch.optim.Adam(net.parameters(), 2e-3)
    level = torch.tensor(levels(Schedule()))
    for _ in range(300):
        y = torch.randint(CLASSES, (32,))
        clean = PLACES[y] + SPREAD * torch.randn(32, *LATENTS)
        timestep, eps = torch.randint(1000, (32,)), torch.randn_like(clean)
        signal, noise = level[timestep].T[..., None, None, None]
        dropped = torch.where(torch.rand(32) < 0.15, CLASSES, y)
        out = net.transformer(signal * clean + noise * eps, timestep, dropped).sample
        predicted, variance = out.chunk(2, dim=1)
        loss = (predicted - eps).square().mean() + 0.1 * variance.square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    return saved(net.eval(), tmp_path_factory.mktemp("trained") / "dit")


def drawn(folder, out, solver="euler", guidance=None, stop=STEPS, before=None):
    """Samples and their labels at a step, from noise or from what was drawn before."""
    times, std = family_of(config()).grid(config(), STEPS)
    spec = {
        "times": list(times), "solver": solver, "steps": encode([guidance] * STEPS),
        "stop": stop, "seeds": [0], "per_seed": 60, "shard": 0, "of": 1, "batch": 60,
        "precision": "fp32", "state": "fp32", "compile": False, "labels": "balanced",
        "classes": CLASSES, "conditional": True, "shape": list(LATENTS), "initial_std": std,
    }  # fmt: skip
    out.mkdir()
    parents = {"model": [folder]} | ({"from": [before]} if before else {})
    job = Job("segment", "0" * 16, spec, out, parents, execution=Execution("cpu"))
    segment.build(job)
    made = load_file(out / "state.safetensors")
    return made["x"], made["label"]


def distances(x):
    """From each pattern, relative to how large a pattern is."""
    return (x[:, None] - PLACES).flatten(2).norm(dim=2) / PLACES[0].norm()


@pytest.mark.parametrize("solver", ["euler", "heun", "sde", "ddpm"])
def test_samples_are_of_their_class(trained, tmp_path, solver):
    x, label = drawn(trained, tmp_path / "out", solver)
    assert (distances(x).argmin(dim=1) == label).float().mean() > 0.9


def test_guidance_makes_samples_more_typical_of_their_class(trained, tmp_path):
    own = {}
    for weight in (0.0, 1.0, 2.0):
        x, label = drawn(trained, tmp_path / f"w{weight}", guidance=CFG(weight=weight))
        far = distances(x)
        own[weight] = (far[torch.arange(len(x)), label] - far.mean(dim=1)).mean().item()
    assert own[2.0] < own[1.0] < own[0.0]
    assert own[0.0] > -0.2  # the null branch knows no class


def test_a_cut_changes_no_bit(trained, tmp_path):
    how = {"solver": "ddpm", "guidance": CFG(weight=2.0)}
    whole, _ = drawn(trained, tmp_path / "whole", **how)
    drawn(trained, tmp_path / "first", **how, stop=7)
    second, _ = drawn(trained, tmp_path / "second", **how, before=tmp_path / "first")
    assert torch.equal(whole, second)

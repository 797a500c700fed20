from itertools import pairwise

import pytest
import torch
from safetensors.torch import load_file

from w2s.conditions.labels import Labels
from w2s.guidance.methods.apg import APG
from w2s.guidance.methods.autoguidance import AutoGuidance
from w2s.guidance.methods.cfg import CFG
from w2s.job import Execution, Job
from w2s.sampling import segment
from w2s.sampling.grid import time_grid
from w2s.sampling.noise import initial_noise, step_noise
from w2s.sampling.trajectories import encode

METHODS = [
    CFG(weight=3.0),
    *(APG(weight=3.0, momentum=m) for m in (0.0, -0.5, -0.5)),
    AutoGuidance(weight=2.0, weak="small"),
    None,
]


@pytest.fixture
def build(tmp_path, net, weak, saved):
    parents = {"model": [saved(net, "model")], "weak:small": [saved(weak, "weak")]}
    count = iter(range(100))

    def run(before=None, **changes):
        spec = {
            "times": list(time_grid(6)),
            "solver": "sde",
            "steps": encode(METHODS),
            "stop": 6,
            "seeds": [3, 8],
            "per_seed": 7,
            "shard": 0,
            "of": 1,
            "batch": 4,
            "precision": "fp32",
            "state": "fp32",
            "compile": False,
            "labels": "balanced",
            "classes": 5,
            "conditional": True,
            "shape": [3, 8, 8],
        }
        out = tmp_path / f"out{next(count)}"
        out.mkdir()
        inherited = {"from": [before]} if before else {}
        job = Job(
            kind="segment",
            key="0" * 16,
            spec=spec | changes,
            out=out,
            parents=parents | inherited,
            execution=Execution(device="cpu"),
        )
        return out, segment.build(job)

    return run


def read(out):
    return load_file(out / "state.safetensors")


def in_order(*shards):
    files = [read(out) for out in shards]
    order = torch.cat([f["index"] for f in files]).argsort()
    return {k: torch.cat([f[k] for f in files])[order] for k in files[0] if k != "stop"}


def test_one_shard_and_three_draw_the_same_set_to_the_bit(build):
    whole = in_order(build()[0])
    shards = in_order(*(build(shard=k, of=3)[0] for k in range(3)))
    assert whole["index"].tolist() == list(range(14))
    assert whole.keys() == shards.keys()
    assert all(torch.equal(whole[name], shards[name]) for name in whole)


def test_another_batch_size_changes_only_the_last_digits(build):
    a, b = (in_order(build(batch=size)[0])["x"] for size in (4, 9))
    assert (a - b).norm() <= 1e-5 * b.norm()


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_two_segments_equal_one(build, cut):
    first, first_facts = build(stop=cut)
    second, second_facts = build(before=first)
    whole, facts = build()
    assert (second / "state.safetensors").read_bytes() == (whole / "state.safetensors").read_bytes()
    both = first_facts["forwards"] + second_facts["forwards"]
    assert both == pytest.approx(facts["forwards"])


def test_momentum_travels_with_the_boundary(build):
    boundary = read(build(stop=3)[0])
    assert boundary["state/momentum"].shape == boundary["x"].shape == (14, 3, 8, 8)
    assert boundary["stop"] == 3
    assert set(read(build()[0])) == {"x", "index", "label", "seed", "stop"}


def test_samples_know_their_seed_label_and_number(build):
    made = read(build(stop=1)[0])
    assert made["seed"].tolist() == [3] * 7 + [8] * 7
    assert made["label"].tolist() == [0, 1, 2, 3, 4, 0, 1] * 2
    one_seed = read(build(stop=1, seeds=[8])[0])
    assert (made["x"][7:] - one_seed["x"]).norm() <= 1e-5 * one_seed["x"].norm()


def test_forwards_count_each_sample_once_whatever_the_padding(build):
    _, facts = build()
    _, plain = build(steps=encode([None] * 6))
    assert plain["forwards"] == plain["forwards_unshared"] == 6
    assert facts["forwards"] == build(batch=14)[1]["forwards"] == facts["forwards_unshared"]
    assert 4 * 2 + 1 + 1 < facts["forwards"] < 4 * 2 + 2 + 1


def test_unconditional_samples_ignore_their_labels(build):
    plain = encode([None] * 6)
    a, b = (
        in_order(build(conditional=False, steps=plain, labels=p)[0]) for p in ("balanced", "random")
    )
    assert a["label"].tolist() != b["label"].tolist()
    assert torch.equal(a["x"], b["x"])


def test_building_twice_gives_the_same_bytes(build):
    a, b = (build()[0] / "state.safetensors" for _ in range(2))
    assert a.read_bytes() == b.read_bytes()


def test_progress_is_reported_to_the_last_step(build, capsys):
    build(steps=encode([None] * 6), batch=5)
    assert "sampling step 18/18" in capsys.readouterr().err


@torch.no_grad()
def in_float64(net, labels, weights, samples, times, solver):
    """The literal loop: state and algebra in float64, the network alone in float32."""
    x = initial_noise(samples, (3, 8, 8)).double()
    condition = Labels(net.null_class).condition(labels)
    for i, (t, s) in enumerate(pairwise(times)):
        at = torch.full((len(x),), t, dtype=torch.float32)
        c, u = (net(x.float(), at, y).double() for (y,) in (condition.given, condition.null))
        v = u + weights[i] * (c - u)
        if solver == "euler":
            x = x + (s - t) * v
        else:
            x = x + (s - t) * (v + x + (1 - t) * v)  # the score is -(x + (1 - t) v) / t
            if s > 0:
                x = x + (2 * t * (t - s)) ** 0.5 * step_noise(samples, (3, 8, 8), i).double()
    return x


@pytest.mark.parametrize("solver", ["euler", "sde"])
def test_a_state_of_fp64_is_the_loop_in_float64(build, net, solver):
    weights = [3.0, 2.0, 1.5, 3.0, 2.0, 1.5]
    spec = {"steps": encode([CFG(weight=w) for w in weights]), "solver": solver}
    spec |= {"seeds": [3], "per_seed": 4}
    exact, whole = (read(build(state="fp64", stop=stop, **spec)[0]) for stop in (5, 6))
    samples, labels = [(3, i) for i in range(4)], exact["label"]
    times = time_grid(6)
    want = in_float64(net, labels, weights[:5], samples, times[:6], solver)
    assert exact["x"].dtype == torch.float64
    # The network's own rounding differs in the last digits with the layout of its batch.
    assert (exact["x"] - want).norm() <= 1e-6 * want.norm()
    rounded = read(build(state="fp32", stop=5, **spec)[0])["x"]
    assert rounded.dtype == whole["x"].dtype == torch.float32
    assert not torch.equal(rounded, exact["x"].float())


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_a_cut_loses_nothing_of_a_state_of_fp64(build, cut):
    first, _ = build(stop=cut, state="fp64")
    second, _ = build(before=first, state="fp64")
    whole, _ = build(state="fp64")
    assert (second / "state.safetensors").read_bytes() == (whole / "state.safetensors").read_bytes()


def test_precision_and_compilation_are_what_the_spec_says(build, monkeypatch):
    exact, rounded = (read(build(precision=p)[0])["x"] for p in ("fp32", "bf16"))
    assert rounded.dtype == torch.float32
    assert 0 < (exact - rounded).norm() <= 0.05 * exact.norm()
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda block, **how: compiled.append(block))
    build(compile=False, stop=1)
    assert not compiled
    build(compile=True, stop=1)
    assert len(compiled) == 6 + 4  # blocks of the main and the weak network

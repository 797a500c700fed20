"""The ordinary loop trains networks of points; weak models and samples follow as ever."""

import json
from itertools import count

import pytest
import torch
from pydantic import TypeAdapter
from safetensors.torch import load_file

from w2s.errors import OutOfTime, UserError
from w2s.guidance.registry import METHODS
from w2s.guidance.windows import Guidance, resolve
from w2s.job import Execution, Job
from w2s.models.load import load
from w2s.plane import points
from w2s.plane.mixture import Mixture
from w2s.plane.scores import Judge
from w2s.plane.tree import WORLDS, balanced
from w2s.sampling import segment
from w2s.sampling.grid import time_grid
from w2s.sampling.trajectories import encode
from w2s.training import loop
from w2s.weak import extract

MANY = WORLDS["many"]
MODEL = {"kind": "mlp", "hidden": 32, "depth": 4, "head_at": 2, "classes": 24}
SPEC = {
    "model": MODEL, "objective": {"name": "none"}, "steps": 600, "start": 0, "batch": 256,
    "lr": 5e-3, "betas": [0.9, 0.99], "warmup": 50, "clip": 1.0, "weight_decay": 0.0,
    "label_dropout": 0.1, "conditional": True, "ema": [0.05, 0.1], "snapshots": [100, 600],
    "head_weight": 0.2, "seed": 0, "precision": "fp32",
}  # fmt: skip
OBJECTIVES = [
    {"name": "none"}, {"name": "br"}, {"name": "mg"}, {"name": "sgg"},
    {"name": "slg", "skip": [2]},
]  # fmt: skip
TIMES, SAMPLES = time_grid(8, shift=0.2), 120


def run(build, out, spec, parents=None, **execution):
    """A node's folder, built."""
    out.mkdir(parents=True, exist_ok=True)
    where = Execution(device="cpu", **({"state": out.parent / "state"} | execution))
    listed = {role: [path] for role, path in (parents or {}).items()}
    build(Job("kind", out.name, spec, out, listed, execution=where))
    return out


def published(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    torch.set_num_threads(1)
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def data(root):
    spec = {"world": MANY.model_dump(), "count": 20_000, "seed": 0}
    return run(points.build, root / "points", spec)


@pytest.fixture(scope="module")
def trained(root, data):
    return run(loop.build, root / "train", SPEC, {"latents": data})


@pytest.fixture(scope="module")
def taken(root, trained):
    """The last weights, and weak models: an early step, the mid head, and without a block."""
    wanted = {"main": (600, "full"), "early": (100, "full"), "head": (600, "head")}
    wanted["skip"] = (600, {"skip": [2]})
    specs = {n: {"step": step, "ema": 0.07, "part": part} for n, (step, part) in wanted.items()}
    parents = {"train": trained}
    return {name: run(extract.build, root / name, spec, parents) for name, spec in specs.items()}


@torch.no_grad()
def errors(folder, t, null=False):
    """Mean squared distance from the true velocities, of a network and of those of no class."""
    truth, drawn = MANY.grow(), torch.from_numpy(balanced(4000, 24))
    x0 = torch.from_numpy(truth.draw(drawn.numpy(), 77))
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0), dtype=x0.dtype)
    x, asked = (1 - t) * x0 + t * noise, torch.full_like(drawn, 24) if null else drawn
    mixture, net = Mixture(truth), load(folder)
    state = net.embed(x.float()[..., None, None], torch.full((len(x),), t), asked)
    for i in range(net.depth):
        state = net.block(i, state)
    guesses = net.readout(state).flatten(1), mixture.velocity(x, t)
    true = mixture.velocity(x, t, asked)
    return [float((guess - true).square().sum(1).mean()) for guess in guesses]


@pytest.mark.parametrize("t", [0.2, 0.5, 0.8, 0.95])
def test_training_learns_the_velocity_of_each_class_and_of_none(taken, t):
    own, marginal = errors(taken["main"], t)
    assert own < 0.1 * marginal
    assert own < errors(taken["early"], t)[0]
    assert errors(taken["main"], t, null=True)[0] < 0.1 * marginal


def test_a_run_that_stops_ends_in_the_same_bytes(root, data, trained):
    spec = SPEC | {"steps": 30, "snapshots": [10, 30]}
    whole = run(loop.build, root / "short", spec, {"latents": data})
    out = root / "parts"
    stops = 0
    for _ in range(40):
        try:
            run(loop.build, out, spec, {"latents": data}, minutes=1e-9, state=root / "halting")
            break
        except OutOfTime:
            stops += 1
    assert stops > 2
    assert published(out) == published(whole)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: o["name"])
def test_every_objective_trains(root, data, objective):
    spec = SPEC | {"objective": objective, "steps": 6, "snapshots": [6]}
    made = run(loop.build, root / f"objective-{objective['name']}", spec, {"latents": data})
    assert json.loads((made / "config.json").read_text()) == MODEL


def test_a_network_of_another_world_is_refused(root, data):
    for model, said in [
        (MODEL | {"classes": 4}, "the model has 4 classes and the data 24"),
        (SIT, "reads 2 channels of 4 x 4 pixels and the latents have 2 of 1 x 1"),
    ]:
        with pytest.raises(UserError, match=said):
            run(loop.build, root / "refused", SPEC | {"model": model}, {"latents": data})


SIT = {
    "input_size": 4, "patch_size": 2, "in_channels": 2, "hidden_size": 8, "depth": 2,
    "num_heads": 2, "mlp_ratio": 2.0, "num_classes": 24, "head_at": 1,
}  # fmt: skip


def test_weak_models_are_networks_of_their_own(taken):
    depths = {name: (load(path).depth, load(path).head_at) for name, path in taken.items()}
    assert depths == {"main": (4, 2), "early": (4, 2), "head": (2, None), "skip": (3, None)}


@pytest.fixture(scope="module")
def draw(root, taken):
    number = count()

    def drawn(*windows):
        methods = resolve(TypeAdapter(Guidance).validate_python(list(windows)), TIMES)
        spec = {
            "times": list(TIMES), "solver": "heun", "steps": encode(methods), "stop": 8,
            "seeds": [4], "per_seed": SAMPLES, "shard": 0, "of": 1, "batch": SAMPLES,
            "precision": "fp32", "state": "fp32", "compile": False, "labels": "balanced",
            "classes": 24, "conditional": True, "shape": [2, 1, 1],
        }  # fmt: skip
        parents = {"model": taken["main"], "weak:weak": taken["early"]}
        out = run(segment.build, root / f"segment{next(number)}", spec, parents)
        made = load_file(out / "state.safetensors")
        return made["x"].flatten(1), made["label"]

    return drawn


def test_samples_are_of_their_class_and_guidance_makes_them_more_so(draw):
    judge = Judge(MANY.grow(), SAMPLES)
    wrong = {
        weight: judge.score(*draw({"method": "cfg", "weight": weight}))["wrong_class"]
        for weight in (0.0, 1.0, 2.0)
    }
    assert wrong[2.0] < 0.5 * wrong[1.0]
    assert wrong[1.0] < 0.75 * wrong[0.0]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_draws_points(draw, name):
    own = {"weak": "weak", "blocks": [1], "droppable": [1, 3]}
    fields = {"method": name, "weight": 2.0, **METHODS[name].example}
    x, _ = draw(fields | {key: own[key] for key in own.keys() & fields.keys()})
    plain, _ = draw()
    assert x.isfinite().all()
    assert not torch.allclose(x, plain)

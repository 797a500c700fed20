"""Weights out of snapshots: exact where tracked, rebuilt where not, parts as networks."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from w2s.errors import UserError
from w2s.job import Job
from w2s.models.load import load
from w2s.models.registry import family_of
from w2s.models.sit_network import SiT
from w2s.training.ema import PowerEMA
from w2s.weak import extract

CONFIG = {
    "input_size": 4, "patch_size": 2, "in_channels": 2, "hidden_size": 16, "depth": 4,
    "num_heads": 2, "mlp_ratio": 2.0, "num_classes": 3, "head_at": 2, "time": "noise-at-one",
}  # fmt: skip
STEPS = range(20, 401, 20)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose weights wander smoothly, and its true averages of lengths never saved."""
    folder = tmp_path_factory.mktemp("store") / "feedfacefeedface"
    (folder / "snapshots").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    torch.manual_seed(0)
    net = SiT(**CONFIG)
    start = [torch.randn_like(p) for p in net.parameters()]
    ema = PowerEMA(net, [0.05, 0.1, 0.08, 0.15])
    for step in range(1, 401):
        with torch.no_grad():
            for parameter, base in zip(net.parameters(), start, strict=True):
                if parameter.requires_grad:
                    parameter.copy_(base * (1 + np.sin(step / 60)) + step / 400)
        ema.update(step)
        if step in STEPS:
            for std in (0.05, 0.1):
                name = f"step-{step:07d}-ema-{std:.3f}.safetensors"
                save_file(ema.nets[std].state_dict(), folder / "snapshots" / name)
    return folder, ema.nets


def build(run, out, **spec):
    spec = {"step": 400, "ema": 0.05, "part": "full"} | spec
    job = Job("weights", "abcd", spec, out, {"train": [run]})
    extract.build(job)
    return json.loads((out / "source.json").read_text())


def test_a_tracked_average_is_the_snapshot_itself(run, tmp_path):
    source = build(run[0], tmp_path / "w", step=200, ema=0.1)
    name = "step-0000200-ema-0.100.safetensors"
    saved, made = (
        load_file(run[0] / "snapshots" / name),
        load_file(tmp_path / "w/model.safetensors"),
    )
    assert all(torch.equal(made[key], saved[key]) for key in saved)
    assert list(source["snapshots"]) == [name]
    assert (source["train"], source["step"], source["ema"]) == (run[0].name, 200, 0.1)
    assert source["profile_error"] == 0


@pytest.mark.parametrize("std", [0.08, 0.15])
def test_any_length_is_rebuilt_afterwards(run, tmp_path, std):
    source = build(run[0], tmp_path / "w", ema=std)
    made, true = load_file(tmp_path / "w/model.safetensors"), run[1][std].state_dict()
    nearest = run[1][0.1].state_dict()
    for name, value in true.items():
        error = (made[name] - value).abs().max()
        assert error <= 1e-3 + 0.02 * (nearest[name] - value).abs().max(), name
    assert source["profile_error"] < 0.05
    assert sum(s["coefficient"] for s in source["snapshots"].values()) == pytest.approx(1)


def test_later_snapshots_are_never_read(run, tmp_path):
    source = build(run[0], tmp_path / "w", step=200, ema=0.15)
    assert all(int(name[5:12]) <= 200 for name in source["snapshots"])


def test_the_same_extraction_gives_the_same_bytes(run, tmp_path):
    for name in ("one", "two"):
        build(run[0], tmp_path / name, ema=0.15)
    for file in ("model.safetensors", "config.json", "source.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.fixture
def inputs():
    torch.manual_seed(1)
    return torch.randn(2, 2, 4, 4), torch.rand(2), torch.tensor([0, 3])


@pytest.mark.parametrize("part", ["full", "head", {"skip": [1, 2]}])
def test_a_part_is_a_network_of_its_own(run, tmp_path, inputs, part):
    build(run[0], tmp_path / "w", part=part)
    whole, made = run[1][0.05], load(tmp_path / "w")
    state = whole.block(1, whole.block(0, whole.embed(*inputs)))
    expected = {"full": lambda: whole(*inputs), "head": lambda: whole.read_head(state)}
    v = expected[part]() if isinstance(part, str) else whole(*inputs, skip=part["skip"])
    assert torch.equal(made(*inputs), v)
    assert made.head_at == (2 if part == "full" else None)


def test_what_is_not_there_is_refused(run, tmp_path):
    for number, (spec, message) in enumerate(
        [
            ({"step": 30}, "no snapshot was taken at step 30: choose one of 20, 40"),
            ({"ema": 0.5}, r"between 0 and 0\.288"),
            ({"part": {"skip": [4]}}, "cannot skip block 4: the blocks are 0 to 3"),
        ]
    ):
        with pytest.raises(UserError, match=message):
            build(run[0], tmp_path / str(number), **spec)
    with pytest.raises(UserError, match="set head_at"):
        family_of(CONFIG).take({}, CONFIG | {"head_at": None}, "head")

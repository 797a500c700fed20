"""Public SiT checkpoints: willisma's, REPA's and SGG's, raw or in a training file."""

import json
from argparse import Namespace

import pytest
import torch

from w2s.errors import UserError
from w2s.job import Job
from w2s.models import public
from w2s.models.load import load
from w2s.models.sit_network import SiT
from w2s.weak import extract

SMALL = {"hidden_size": 32, "depth": 2, "num_heads": 4}
CONFIG = {
    "input_size": 8, "patch_size": 2, "in_channels": 4, "mlp_ratio": 4.0, "num_classes": 7,
    "head_at": None, "time": "data-at-one", **SMALL,
}  # fmt: skip
NETWORK = {key: CONFIG[key] for key in ("hidden_size", "depth", "num_heads")}
PROJECTORS = {f"projectors.0.{i}.weight": torch.ones(2, 2) for i in (0, 2, 4)}


def random_sit(**changes):
    torch.manual_seed(0)
    net = SiT(**(CONFIG | changes))
    for layer in (net.final_layer, *([net.head] if net.head_at else [])):
        torch.nn.init.normal_(layer.linear.weight)
    return net.eval()


@pytest.fixture
def net():
    return random_sit()


def doubled(weights):
    """The weights as a network with learn_sigma holds them: per pixel, velocity then variance."""
    weights = dict(weights)
    for name in ("final_layer.linear.weight", "final_layer.linear.bias"):
        velocity = weights[name].unflatten(0, (4, 4))
        weights[name] = torch.cat([velocity, torch.randn_like(velocity)], dim=1).flatten(0, 1)
    return weights


def as_released(net):
    """The weights with the mid head under SGG's name."""
    weights = net.state_dict()
    return {name.replace("head.", "mid_layer."): value for name, value in weights.items()}


def bring(content, tmp_path, **network):
    torch.save(content, tmp_path / "sit.pt")
    spec = {"kind": "public", "fingerprint": "f00d", "network": NETWORK | network}
    local = {"path": str(tmp_path / "sit.pt")}
    extract.build(Job("weights", "abcd", spec, tmp_path / "out", local=local))
    return load(tmp_path / "out"), json.loads((tmp_path / "out" / "source.json").read_text())


def inputs():
    return torch.randn(2, 4, 8, 8), torch.rand(2), torch.tensor([0, 7])


@pytest.mark.parametrize("learn_sigma", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
def test_it_becomes_a_network_that_predicts_the_same(tmp_path, net, learn_sigma, wrapped):
    weights = doubled(net.state_dict()) if learn_sigma else net.state_dict()
    content = {"ema": weights, "args": Namespace(lr=1e-4)} if wrapped else weights
    loaded, source = bring(content, tmp_path)
    assert loaded.config() == CONFIG
    x, t, y = inputs()
    assert torch.equal(loaded(x, t, y), net(x, t, y))
    assert source == {"path": "sit.pt", "fingerprint": "f00d", "dropped": []}


def test_repa_runs_time_our_way_and_its_projectors_are_left_out(tmp_path, capsys):
    net = random_sit(time="noise-at-one")
    loaded, source = bring({"ema": net.state_dict() | PROJECTORS}, tmp_path)
    x, t, y = inputs()
    assert torch.equal(loaded(x, t, y), net(x, t, y))
    assert source["dropped"] == sorted(PROJECTORS)
    assert "projectors.0.0.weight" in capsys.readouterr().err


def test_sggs_second_readout_becomes_the_mid_head(tmp_path):
    net = random_sit(time="noise-at-one", head_at=1)
    loaded, _ = bring({"ema": as_released(net) | PROJECTORS}, tmp_path, head_at=1)
    x, t, y = inputs()
    assert (loaded.head_at, loaded.config()["time"]) == (1, "noise-at-one")
    for one, other in zip(passes(loaded, x, t, y), passes(net, x, t, y), strict=True):
        assert torch.equal(one, other)


def passes(net, x, t, y):
    middle = net.block(0, net.embed(x, t, y))
    return net.read_head(middle), net.readout(net.block(1, middle))


@pytest.mark.parametrize("time", ["noise-at-one", "data-at-one"])
def test_what_the_user_says_of_time_overrules_the_marks(tmp_path, time):
    net = random_sit(time=time)
    loaded, _ = bring(net.state_dict() | PROJECTORS, tmp_path, time=time)
    x, t, y = inputs()
    assert loaded.config()["time"] == time
    assert torch.equal(loaded(x, t, y), net(x, t, y))


def test_other_files_are_refused(tmp_path, net):
    headed = random_sit(head_at=1)
    weights = net.state_dict()
    for content, network, message in [
        ({"conv.weight": torch.zeros(1)}, NETWORK, "holds no SiT weights"),
        (weights | {"extra": torch.zeros(1)}, NETWORK, "extra is unknown"),
        (without(weights, "blocks.1.attn.qkv.bias"), NETWORK, "blocks.1.attn.qkv.bias is missing"),
        (without(weights, "pos_embed"), NETWORK, "'pos_embed' is missing"),
        (weights, {}, "width 32 and 2 blocks, which no published size has: give its network"),
        (weights, NETWORK | {"depth": 3}, "its depth is 2 and not 3"),
        (weights, NETWORK | {"head_at": 1}, "its head_at is None and not 1"),
        (as_released(headed), NETWORK, "does not say after how many blocks: .* with head_at"),
        (as_released(headed) | {"mid_layer.x": torch.zeros(1)}, NETWORK | {"head_at": 1}, "head.x"),
    ]:
        torch.save(content, tmp_path / "other.pt")
        with pytest.raises(UserError, match=message):
            public.read(tmp_path / "other.pt", network)


def without(weights, name):
    return {other: value for other, value in weights.items() if other != name}


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 cut short"])
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / "sit.pt").write_bytes(content)
    with pytest.raises(UserError, match="is not a torch checkpoint, or is damaged"):
        public.read(tmp_path / "sit.pt")

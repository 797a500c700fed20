"""Public SiT checkpoints: raw or in a training file, with or without doubled channels."""

from argparse import Namespace

import pytest
import torch

from w2s.errors import UserError
from w2s.job import Job
from w2s.models import public
from w2s.models.load import load
from w2s.models.sit_network import SiT
from w2s.weak import extract

SMALL = {"T": {"hidden_size": 32, "depth": 2, "num_heads": 4}}
CONFIG = {
    "input_size": 8, "patch_size": 2, "in_channels": 4, "mlp_ratio": 4.0, "num_classes": 7,
    "head_at": None, "time": "data-at-one", **SMALL["T"],
}  # fmt: skip


@pytest.fixture
def net(monkeypatch):
    monkeypatch.setattr(public, "SIZES", SMALL)
    torch.manual_seed(0)
    net = SiT(**CONFIG)
    torch.nn.init.normal_(net.final_layer.linear.weight)
    return net.eval()


def doubled(weights):
    """The weights as a network with learn_sigma holds them: per pixel, velocity then variance."""
    weights = dict(weights)
    for name in ("final_layer.linear.weight", "final_layer.linear.bias"):
        velocity = weights[name].unflatten(0, (4, 4))
        weights[name] = torch.cat([velocity, torch.randn_like(velocity)], dim=1).flatten(0, 1)
    return weights


@pytest.mark.parametrize("learn_sigma", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
def test_it_becomes_a_network_that_predicts_the_same(tmp_path, net, learn_sigma, wrapped):
    weights = doubled(net.state_dict()) if learn_sigma else net.state_dict()
    content = {"ema": weights, "args": Namespace(lr=1e-4)} if wrapped else weights
    torch.save(content, tmp_path / "sit.pt")
    spec = {"kind": "public", "fingerprint": "f00d"}
    local = {"path": str(tmp_path / "sit.pt")}
    extract.build(Job("weights", "abcd", spec, tmp_path / "out", local=local))
    loaded = load(tmp_path / "out")
    x, t, y = torch.randn(2, 4, 8, 8), torch.rand(2), torch.tensor([0, 7])
    assert loaded.config() == CONFIG
    assert torch.equal(loaded(x, t, y), net(x, t, y))


def test_other_files_are_refused(tmp_path, net):
    for weights, message in [
        ({"conv.weight": torch.zeros(1)}, "holds no SiT weights"),
        (net.state_dict() | {"extra": torch.zeros(1)}, "extra is missing or unknown"),
        ({k: v for k, v in net.state_dict().items() if "blocks.1" not in k}, "32 and 1 blocks"),
    ]:
        torch.save(weights, tmp_path / "other.pt")
        with pytest.raises(UserError, match=message):
            public.read(tmp_path / "other.pt")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 cut short"])
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / "sit.pt").write_bytes(content)
    with pytest.raises(UserError, match="is not a torch checkpoint, or is damaged"):
        public.read(tmp_path / "sit.pt")

"""Weights of a folder in a network, in the precision asked for, and never held twice."""

import json

import pytest
import torch
from safetensors.torch import save_file
from tiny_sd3 import transformer
from torch import nn
from toy_backbone import CONFIG, Toy, ToyFamily

from w2s.models import load as loading
from w2s.models.load import load
from w2s.models.registry import FAMILIES
from w2s.models.sd3_network import SD3
from w2s.models.sit_network import SiT

SIT = {
    "input_size": 4, "patch_size": 2, "in_channels": 2, "hidden_size": 16, "depth": 2,
    "num_heads": 2, "mlp_ratio": 2.0, "num_classes": 3, "head_at": 1, "time": "noise-at-one",
}  # fmt: skip
KINDS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@pytest.fixture
def saved(tmp_path):
    def save(net, dtype=None):
        weights = {n: v.to(dtype) if dtype else v for n, v in net.state_dict().items()}
        save_file(weights, tmp_path / "model.safetensors")
        (tmp_path / "config.json").write_text(json.dumps(net.config()))
        return tmp_path

    return save


@pytest.mark.parametrize("make", [lambda: SiT(**SIT), lambda: SD3(transformer("sd3.5"))])
def test_weights_come_back_as_they_were(saved, make):
    net = make()
    made = load(saved(net))
    want = net.state_dict()
    assert made.state_dict().keys() == want.keys()
    assert all(torch.equal(value, want[name]) for name, value in made.state_dict().items())
    trained = {name for name, p in net.named_parameters() if p.requires_grad}
    assert {name for name, p in made.named_parameters() if p.requires_grad} == trained
    assert not made.training


@pytest.mark.parametrize("stored", KINDS)
@pytest.mark.parametrize("asked", KINDS)
def test_the_precision_is_the_one_asked_for(saved, stored, asked):
    net = SD3(transformer())
    made = load(saved(net, KINDS[stored]), asked).state_dict()
    for name, value in net.state_dict().items():
        assert torch.equal(made[name], value.to(KINDS[stored]).to(KINDS[asked])), name
        assert made[name].dtype == KINDS[asked]


def test_a_network_without_weights_takes_no_memory():
    for net in (SiT(**SIT), SD3(transformer())):
        empty = loading._empty(net.config())
        assert all(p.is_meta for p in empty.parameters())


class WithTable(Toy):
    """Makes a tensor of its configuration, as some networks make their positions."""

    def __init__(self, config, buffer=True):
        super().__init__(config)
        table = torch.arange(3.0)
        if config["as"] == "buffer":
            self.register_buffer("table", table, persistent=False)
        else:
            self.table = table


@pytest.mark.parametrize("how", ["buffer", "attribute"])
def test_what_a_network_makes_itself_is_there(saved, monkeypatch, how):
    family = ToyFamily()
    monkeypatch.setattr(family, "network", WithTable)
    monkeypatch.setitem(FAMILIES, "toy", family)
    net = WithTable(CONFIG | {"as": how})
    made = load(saved(net))
    assert made.table.tolist() == [0, 1, 2]
    assert torch.equal(made.inside.weight, net.inside.weight)


def test_weights_of_another_network_do_not_load(saved):
    folder = saved(SiT(**SIT))
    (folder / "config.json").write_text(json.dumps(SIT | {"depth": 3}))
    with pytest.raises(RuntimeError, match=r"Missing key.*blocks\.2"):
        load(folder)


def test_loaded_weights_can_be_changed(saved):
    """They are copies: the file is not written to, nor read again."""
    net = SiT(**SIT)
    folder = saved(net)
    made = load(folder)
    nn.init.zeros_(made.final_layer.linear.weight)
    assert torch.equal(load(folder).final_layer.linear.weight, net.final_layer.linear.weight)

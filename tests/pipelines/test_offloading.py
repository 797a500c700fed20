"""Networks visit a device in turn, each only while it works."""

import pytest
import torch
from torch import nn

from w2s.pipelines.draw import draw
from w2s.pipelines.folder import read_folder
from w2s.pipelines.loading import load_pipeline
from w2s.pipelines.moving import visiting

CPU = torch.device("cpu")


class Net(nn.Linear):
    """Notes where it is sent, and says that it is there."""

    def __init__(self, log, name):
        super().__init__(1, 1)
        self.log, self.name, self.device = log, name, CPU

    def to(self, device):
        self.log.append((self.name, str(device)))
        self.device = device
        return self


def test_networks_come_and_go():
    log: list = []
    nets = [Net(log, "a"), None, Net(log, "b")]
    with visiting(nets, torch.device("meta")):
        assert [net.device.type for net in nets if net] == ["meta", "meta"]
        assert log == [("a", "meta"), ("b", "meta")]
    assert log[2:] == [("a", "cpu"), ("b", "cpu")]


def test_networks_go_home_after_an_error():
    net = Net([], "a")
    with pytest.raises(ZeroDivisionError), visiting([net], torch.device("meta")):
        _ = 1 / 0
    assert net.device == CPU


def test_without_a_device_nothing_moves():
    log: list = []
    with visiting([Net(log, "a")], None):
        pass
    assert log == []


@pytest.fixture
def noted(saved, monkeypatch):
    """A pipeline of its own, and a log of moves and of work."""
    pipe, log = load_pipeline(read_folder(saved("sd3", t5=True))), []
    networks = {name: part for name, part in pipe.components.items() if isinstance(part, nn.Module)}
    works = {name: (net, "forward") for name, net in networks.items()}
    works["transformer"] = (pipe.transformer.transformer_blocks[0], "forward")
    works["vae"] = (pipe.vae, "decode")
    for name, net in networks.items():
        monkeypatch.setattr(net, "to", lambda device, name=name: log.append((name, "moved")))
        place, method = works[name]
        monkeypatch.setattr(place, method, noting(log, name, getattr(place, method)))
    return pipe, log


def noting(log, name, work):
    """The same work, noted once however often it is done in a row."""

    def noted(*args, **kwargs):
        if log[-1:] != [(name, "worked")]:
            log.append((name, "worked"))
        return work(*args, **kwargs)

    return noted


TEXT = ["text_encoder", "text_encoder_2", "text_encoder_3"]


def test_text_encoders_transformer_and_vae_take_turns(noted):
    pipe, log = noted
    draw(pipe, "red star", steps=2, max_sequence_length=8, offload="cpu", progress=False)
    text = [(name, what) for what in ("moved", "worked", "moved") for name in TEXT]
    rest = [(name, w) for name in ("transformer", "vae") for w in ("moved", "worked", "moved")]
    assert log == text + rest


def test_only_what_works_is_moved(noted):
    pipe, log = noted
    config = pipe.transformer.config
    draw(
        pipe,
        prompt_embeds=torch.zeros(1, 4, config.joint_attention_dim),
        pooled_prompt_embeds=torch.zeros(1, config.pooled_projection_dim),
        steps=2,
        offload="cpu",
        output="latents",
        progress=False,
    )
    assert log == [("transformer", w) for w in ("moved", "worked", "moved")]


def test_without_offloading_nothing_is_moved(noted):
    pipe, log = noted
    draw(pipe, "red star", steps=2, max_sequence_length=8, progress=False)
    assert {what for _, what in log} == {"worked"}

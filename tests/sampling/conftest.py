import json

import pytest
import torch
from safetensors.torch import save_file

from w2s.conditions.labels import Labels
from w2s.models.sit_network import SiT


def random_sit(seed=0, **changes):
    """A small SiT whose every weight is random: adaLN-zero would make all blocks the identity."""
    config = {
        "input_size": 8,
        "patch_size": 2,
        "in_channels": 3,
        "hidden_size": 32,
        "depth": 6,
        "num_heads": 2,
        "num_classes": 5,
        "head_at": 3,
    }
    net = SiT(**(config | changes)).eval()
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        if parameter.requires_grad:
            spread = 0.3 / max(parameter[0].numel(), 1) ** 0.5 if parameter.dim() > 1 else 0.1
            parameter.data = spread * 3 * torch.randn(parameter.shape, generator=generator)
    return net


@pytest.fixture(scope="session")
def make_sit():
    return random_sit


@pytest.fixture(scope="session")
def net():
    return random_sit()


@pytest.fixture(scope="session")
def weak():
    return random_sit(1, hidden_size=16, depth=4, head_at=None)


@pytest.fixture
def x():
    return torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(7))


@pytest.fixture
def condition(net):
    return Labels(net.null_class).condition(torch.tensor([0, 3, 1, 4]))


@pytest.fixture
def saved(tmp_path):
    """Writes a network as a weights folder and returns its place."""

    def save(network, name):
        folder = tmp_path / name
        folder.mkdir()
        save_file(network.state_dict(), folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps(network.config()))
        return folder

    return save

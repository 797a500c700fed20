"""A configuration says which family it belongs to; without a word it is a SiT."""

from typing import get_args

import pytest
import torch

from w2s.errors import UserError
from w2s.models.load import build
from w2s.models.registry import FAMILIES, family_of, shape_of

CONFIG = {
    "input_size": 8, "patch_size": 2, "in_channels": 3, "hidden_size": 16, "depth": 4,
    "num_heads": 2, "mlp_ratio": 4.0, "num_classes": 5, "head_at": 2,
}  # fmt: skip


def test_a_kind_names_a_family_and_none_is_sit():
    assert family_of({}) is family_of({"kind": "sit"}) is FAMILIES["sit"]
    with pytest.raises(UserError, match="no network of kind 'sti'; there are sit"):
        family_of({"kind": "sti"})


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_goes_by_its_name_and_so_do_its_parameters(name):
    assert FAMILIES[name].name == name
    if FAMILIES[name].params is not None:
        assert get_args(FAMILIES[name].params.model_fields["kind"].annotation) == (name,)


@pytest.mark.parametrize("config", [CONFIG, CONFIG | {"kind": "sit"}])
def test_what_is_built_is_what_was_described(config):
    family, net = family_of(config), build(config)
    x, t, y = torch.randn(2, *family.latents(config)), torch.rand(2), torch.tensor([0, 5])
    assert net(x, t, y).shape == x.shape
    assert (net.depth, net.head_at) == (shape_of(config).depth, shape_of(config).head_at)
    assert build(net.config()).config() == net.config()


@pytest.mark.parametrize("part", ["full", "head", {"skip": [0, 3]}])
def test_a_part_has_the_configuration_that_was_foretold(part):
    family, net = family_of(CONFIG), build(CONFIG)
    weights = {name: value.numpy() for name, value in net.state_dict().items()}
    taken, config = family.take(weights, CONFIG, part)
    assert config == family.part_config(CONFIG, part)
    assert build(config).state_dict().keys() == taken.keys()
    assert shape_of(config).macs == shape_of(CONFIG).macs * shape_of(config).depth / 4


@pytest.mark.parametrize(
    ("part", "said"),
    [("head", "needs a network with a mid-depth head"), ({"skip": [4]}, "blocks are 0 to 3")],
)
def test_a_part_that_is_not_there_is_refused(part, said):
    for ask in (
        lambda c: FAMILIES["sit"].part_config(c, part),
        lambda c: family_of(c).kept(c, part),
    ):
        with pytest.raises(UserError, match=said):
            ask(CONFIG | {"head_at": None})

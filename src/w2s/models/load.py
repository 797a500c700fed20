"""Networks of any family, from a configuration or from a folder of weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from w2s.models.backbone import Backbone
from w2s.models.registry import family_of

if TYPE_CHECKING:
    from torch import Tensor


def build(config: Mapping) -> Backbone:
    """A freshly initialised network; the global torch seed decides its weights."""
    return family_of(config).network(config)


def load(folder: Path) -> Backbone:
    """The network of a folder with config.json and model.safetensors, in evaluation mode."""
    from safetensors.torch import load_file

    net = build(json.loads((folder / "config.json").read_text()))
    net.load_state_dict(load_file(folder / "model.safetensors"))
    return net.eval()


def misfit(weights: Mapping[str, Tensor], config: Mapping) -> str | None:
    """Why these weights are not those of the network with this configuration; None if they are."""
    import torch

    with torch.device("meta"):
        expected = build(config).state_dict()
    for name in sorted(set(expected) ^ set(weights)):
        return f"{name} is {'missing' if name in expected else 'unknown'}"
    for name, value in expected.items():
        if value.shape != weights[name].shape:
            return f"{name} is {tuple(weights[name].shape)} and not {tuple(value.shape)}"
    return None

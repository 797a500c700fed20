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


def load(folder: Path, weights: str = "fp32") -> Backbone:
    """The network of a folder with config.json and model.safetensors, in evaluation mode.

    weights: precision to hold them in, fp32, bf16 or fp16, whatever they are stored in.  They are
    read one by one into an empty network, so that they are never held twice.
    """
    from safetensors import safe_open

    config = json.loads((folder / "config.json").read_text())
    net = _empty(config)
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        held = {name: _cast(file.get_tensor(name), weights) for name in file.keys()}  # noqa: SIM118
    net.load_state_dict(held, assign=True)
    return net.eval()


def _cast(value: Tensor, weights: str) -> Tensor:
    """A copy, outside of the file, in which floats have the precision asked for."""
    from w2s.models.precision import DTYPES

    return value.to(DTYPES[weights] if value.is_floating_point() else value.dtype, copy=True)


def _empty(config: Mapping) -> Backbone:
    """A network without memory for its weights; a whole one if it holds tensors beside them.

    Those, which a network makes of its configuration, would be lost on the meta device.
    """
    import torch

    with torch.device("meta"):
        net = build(config)
    weights = net.state_dict().keys()
    attributes = [value for module in net.modules() for value in vars(module).values()]
    others = [name for name, _ in net.named_buffers() if name not in weights]
    if others or any(isinstance(value, torch.Tensor) for value in attributes):
        return build(config)
    return net


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

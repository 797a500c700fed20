"""Weights files as their authors publish them."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from w2s.errors import UserError


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of a file of torch's, without running code from it.

    What a training run saved beside them, such as a `state_dict` entry's neighbours, is left out.
    Raises UserError for a file that is damaged or holds something else.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path} is no file of weights, or is damaged: {first}") from None
    for inside in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(inside), Mapping):
            content = content[inside]
    if not isinstance(content, Mapping) or not all(
        isinstance(value, Tensor) for value in content.values()
    ):
        raise UserError(f"{path} holds no named weights")
    return dict(content)


def put(weights: Mapping[str, Tensor], network: nn.Module, path: Path, what: str) -> nn.Module:
    """The network with these weights, ready to score.  Raises UserError where they do not fit.

    path, what: the file and what it ought to hold, for the sentence.
    """
    expected = network.state_dict()
    for name in sorted(expected.keys() | weights.keys()):
        if name not in weights or name not in expected:
            why = "is missing" if name in expected else "is unknown"
            raise UserError(f"{path} does not hold {what}: {name} {why}")
        if weights[name].shape != expected[name].shape:
            sizes = f"{tuple(weights[name].shape)} and not {tuple(expected[name].shape)}"
            raise UserError(f"{path} does not hold {what}: {name} is {sizes}")
    network.load_state_dict(dict(weights), assign=True)
    return network.float().eval().requires_grad_(False)

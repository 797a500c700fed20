"""Networks of any family, from a configuration or from a folder of weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from w2s.models.backbone import Backbone
from w2s.models.registry import family_of


def build(config: Mapping) -> Backbone:
    """A freshly initialised network; the global torch seed decides its weights."""
    return family_of(config).network(config)


def load(folder: Path) -> Backbone:
    """The network of a folder with config.json and model.safetensors, in evaluation mode."""
    from safetensors.torch import load_file

    net = build(json.loads((folder / "config.json").read_text()))
    net.load_state_dict(load_file(folder / "model.safetensors"))
    return net.eval()

"""A network that is no transformer: residual linear layers on all pixels, for tests.

It is a family like any other.  Nothing in src knows of it: tests put it into the registry.
"""

import json
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from w2s.models.backbone import Family, NetworkParams, Shape

CONFIG = {"kind": "toy", "latents": [4, 6, 6], "classes": 30, "width": 8, "depth": 3, "head_at": 2}


class Hidden(NamedTuple):
    """A pass under way; `none` is a stream that this network does not have."""

    z: Tensor  # (N, width)
    size: torch.Size  # of the latents
    none: None = None


class Toy(nn.Module):
    """Layers on the flattened latents; the label and t are added at the start."""

    def __init__(self, config: dict):
        super().__init__()
        pixels, width = torch.Size(config["latents"]).numel(), config["width"]
        self._config, self.depth, self.head_at = dict(config), config["depth"], config["head_at"]
        self.inside = nn.Linear(pixels, width)
        self.labels = nn.Embedding(config["classes"] + 1, width)
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(self.depth))
        self.outside = nn.Linear(width, pixels)
        if self.head_at is not None:
            self.head = nn.Linear(width, pixels)

    def config(self) -> dict:
        return dict(self._config)

    def embed(self, x: Tensor, t: Tensor, y: Tensor) -> Hidden:
        z = self.inside(x.flatten(1)) + torch.sin(3 * t)[:, None] + self.labels(y)
        return Hidden(z, x.shape[1:])

    def block(self, i: int, state: Hidden) -> Hidden:
        return state._replace(z=state.z + torch.tanh(self.blocks[i](state.z)))

    def readout(self, state: Hidden) -> Tensor:
        return self.outside(state.z).unflatten(1, state.size)

    def read_head(self, state: Hidden) -> Tensor:
        return self.head(state.z).unflatten(1, state.size)


class ToyParams(NetworkParams):
    """A toy network as an entry under `models` would describe it."""

    kind: Literal["toy"] = "toy"
    """The kind of network."""
    width: int
    """Width of the layers."""
    depth: int
    """Layers."""

    def config(self, latents, classes):
        numbers = {"width": self.width, "depth": self.depth, "head_at": None}
        return {"kind": "toy", "latents": list(latents), "classes": classes, **numbers}


class ToyFamily(Family):
    """Describes toys and takes their parts."""

    name = "toy"
    params = ToyParams

    def shape(self, config):
        macs = config["depth"] * config["width"] ** 2
        return Shape(config["depth"], config["head_at"], float(macs))

    def parameters(self, config):
        return float(config["depth"] * config["width"] ** 2)

    def latents(self, config):
        return tuple(config["latents"])

    def classes(self, config):
        return config["classes"]

    def part_config(self, config, part):
        if part == "full":
            return dict(config)
        return dict(config) | {"depth": len(self.kept(config, part)), "head_at": None}

    def take(self, weights, config, part):
        if part == "full":
            return weights, dict(config)
        kept, last = self.kept(config, part), "head" if part == "head" else "outside"
        taken = {n: w for n, w in weights.items() if n.startswith(("inside", "labels"))}
        for name, value in weights.items():
            room, *rest = name.split(".")
            if room == "blocks" and int(rest[0]) in kept:
                taken[".".join(["blocks", str(kept.index(int(rest[0]))), *rest[1:]])] = value
            elif room == last:
                taken[".".join(["outside", *rest])] = value
        return taken, self.part_config(config, part)

    def network(self, config):
        return Toy(config)


def saved(net, folder: Path, **config) -> Path:
    """A network's folder with config.json and model.safetensors; `config` overrides entries."""
    folder.mkdir(parents=True)
    save_file(net.state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(net.config() | config))
    return folder

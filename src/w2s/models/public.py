"""Checkpoints of the public SiT (github.com/willisma/SiT), read into this project's network."""

from __future__ import annotations

import argparse
import json
import pickle
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from w2s.errors import UserError
from w2s.models.sit import SIZES
from w2s.models.sit_network import SiT


def convert(path: Path, out: Path) -> None:
    """Write a .pt checkpoint, raw or with an "ema" entry, as model.safetensors and config.json.

    Raises UserError for a file that is not a SiT of a published size.
    """
    weights, config = read(path)
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / "model.safetensors")
    (out / "config.json").write_text(json.dumps(config, indent=1) + "\n")


def read(path: Path) -> tuple[dict[str, Tensor], dict]:
    """The weights and configuration of a public checkpoint.

    Of doubled output channels (a variance that SiT never trains) the first half is kept.  The
    configuration says that time runs backwards: ``v(t) = -network(1 - t)``.
    """
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):  # training runs' own flags
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise UserError(f"{path} is not a torch checkpoint, or is damaged: {error}") from error
    weights = content.get("ema", content)
    if "x_embedder.proj.weight" not in weights:
        raise UserError(f"{path} holds no SiT weights: x_embedder.proj.weight is not in it")
    hidden, channels, patch, _ = weights["x_embedder.proj.weight"].shape
    depth = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    heads = {(s["hidden_size"], s["depth"]): s["num_heads"] for s in SIZES.values()}
    if (hidden, depth) not in heads:
        raise UserError(f"{path} has width {hidden} and {depth} blocks, which no SiT size has")
    config = {
        "input_size": round(weights["pos_embed"].shape[1] ** 0.5) * patch,
        "patch_size": patch,
        "in_channels": channels,
        "hidden_size": hidden,
        "depth": depth,
        "num_heads": heads[hidden, depth],
        "mlp_ratio": weights["blocks.0.mlp.fc1.weight"].shape[0] / hidden,
        "num_classes": weights["y_embedder.embedding_table.weight"].shape[0] - 1,
        "head_at": None,
        "time": "data-at-one",
    }
    for name in ("final_layer.linear.weight", "final_layer.linear.bias"):
        outputs = weights[name].unflatten(0, (patch * patch, -1))
        weights = weights | {name: outputs[:, :channels].flatten(0, 1)}
    with torch.device("meta"):
        expected = SiT(**config).state_dict()
    if wrong := sorted(set(expected) ^ set(weights)):
        raise UserError(f"{path} is not a SiT checkpoint: {wrong[0]} is missing or unknown")
    return {name: value.float().contiguous() for name, value in weights.items()}, config

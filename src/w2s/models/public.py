"""Public checkpoints of SiT and DiT: willisma/SiT, REPA, SGG, facebookresearch/DiT.

REPA (sihyun-yu/REPA) adds projectors for its alignment loss, which sampling never reads; SGG
(Westlake-AGI-Lab/SGG) adds a second readout, `mid_layer`, which is the mid-depth head here.  Both
run time as this project does, noise at one; willisma/SiT has data there.  DiT's weights have the
names of SiT's, so that only the user can tell which it is.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from w2s.errors import UserError
from w2s.models import public_dit
from w2s.models.load import misfit
from w2s.models.sizes import SIZES

PROJECTORS, MID_HEAD = "projectors.", "mid_layer."


class Read(NamedTuple):
    """What a checkpoint held."""

    weights: dict[str, Tensor]  # float32, under this project's names
    config: dict  # builds the network; a SiT's `time` says which way its own time runs
    dropped: list[str]  # names that nothing here has a use for


def read(path: Path, network: Mapping | None = None) -> Read:
    """A .pt, .pth or .safetensors checkpoint, raw or with an "ema" entry.

    `network` is what the user says of it, a configuration or some of its entries, `kind: dit` for a
    DiT: the file tells neither the attention heads of a size that was never published, nor the
    place of a mid head, nor a noise schedule.  Of a SiT's doubled output channels (a variance that
    it never trains) the first half is kept; a `time` overrules what the names of the weights tell.

    Raises UserError for a file that is damaged, that is no such network, or that contradicts
    `network`.
    """
    said = dict(network or {})
    kind = said.setdefault("kind", "sit")
    content = _load(path, KINDS[kind])
    try:
        weights, config, dropped = _READERS[kind](content, said)
    except KeyError as missing:
        raise UserError(f"{path} is not a {KINDS[kind]} checkpoint: {missing} is missing") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    for key, value in said.items():
        if config.get(key, "sit" if key == "kind" else None) != value:
            raise UserError(f"{path}: its {key} is {config.get(key)} and not {value}")
    if wrong := misfit(weights, config):
        raise UserError(f"{path} is not a {KINDS[kind]} checkpoint: {wrong}")
    return Read({n: w.float().contiguous() for n, w in weights.items()}, config, dropped)


def _load(path: Path, kind: str) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            content = load_file(path)
        else:
            with torch.serialization.safe_globals([argparse.Namespace]):  # training's own flags
                content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        why = str(error).partition("\n")[0]
        raise UserError(f"{path} is not a torch checkpoint, or is damaged: {why}") from error
    content = content.get("ema", content) if isinstance(content, dict) else {}
    if "x_embedder.proj.weight" not in content:
        raise UserError(f"{path} holds no {kind} weights: x_embedder.proj.weight is not in it")
    return content


def _sit(content: Mapping[str, Tensor], said: Mapping) -> Read:
    weights, dropped = _kept(content)
    mid_head = any(name.startswith("head.") for name in weights)
    if mid_head and not said.get("head_at"):
        raise UserError(
            "it holds a mid head and does not say after how many blocks: give its network with "
            "head_at"
        )
    config = _measured(weights, said.get("num_heads"))
    config |= {"head_at": said["head_at"] if mid_head else None}
    config["time"] = said.get("time") or _time(content)
    weights = {name: _without_variance(name, value, config) for name, value in weights.items()}
    return Read(weights, config, dropped)


def _dit(content: Mapping[str, Tensor], said: Mapping) -> Read:
    measured = _measured(content, said.get("num_attention_heads"))
    outputs = len(content["final_layer.linear.weight"])
    config = public_dit.configuration(measured, outputs, said)
    return Read(public_dit.converted(content, config), config, [])


KINDS = {"sit": "SiT", "dit": "DiT"}
_READERS = {"sit": _sit, "dit": _dit}


def _kept(content: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """The weights under this project's names, and the names of those that are left out."""
    kept = {
        ("head." + name.removeprefix(MID_HEAD) if name.startswith(MID_HEAD) else name): value
        for name, value in content.items()
        if not name.startswith(PROJECTORS)
    }
    return kept, sorted(name for name in content if name.startswith(PROJECTORS))


def _measured(weights: Mapping[str, Tensor], heads: int | None) -> dict:
    """The configuration of a SiT, as the weights' shapes have it; `heads` as the user says."""
    hidden, channels, patch, _ = weights["x_embedder.proj.weight"].shape
    tokens = weights["pos_embed"].shape[1]
    wide = weights["blocks.0.mlp.fc1.weight"].shape[0]
    labels = weights["y_embedder.embedding_table.weight"].shape[0]
    depth = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    published = {(s["hidden_size"], s["depth"]): s["num_heads"] for s in SIZES.values()}
    heads = heads or published.get((hidden, depth))
    if heads is None:
        raise UserError(
            f"it has width {hidden} and {depth} blocks, which no published size has: give its "
            "network with its heads"
        )
    if hidden % heads:
        raise UserError(f"its width of {hidden} does not divide into {heads} heads")
    return {
        "input_size": round(tokens**0.5) * patch,
        "patch_size": patch,
        "in_channels": channels,
        "hidden_size": hidden,
        "depth": depth,
        "num_heads": heads,
        "mlp_ratio": wide / hidden,
        "num_classes": labels - 1,
    }


def _time(content: Mapping[str, Tensor]) -> str:
    """Which way time runs, by what only checkpoints of REPA and SGG hold."""
    other = any(name.startswith((PROJECTORS, MID_HEAD)) for name in content)
    return "noise-at-one" if other else "data-at-one"


def _without_variance(name: str, value: Tensor, config: Mapping) -> Tensor:
    """A readout's weights for the velocity alone, the first of doubled channels."""
    if not name.startswith(("final_layer.linear.", "head.linear.")):
        return value
    outputs = value.unflatten(0, (config["patch_size"] ** 2, -1))
    return outputs[:, : config["in_channels"]].flatten(0, 1)

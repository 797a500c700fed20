"""The safetensors files of one network: which they are, and whether they are whole.

Only their headers are read, so that a folder is judged before anything is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from w2s.errors import UserError

STEMS = {"diffusers": "diffusion_pytorch_model", "transformers": "model"}
VARIANTS = (None, "fp16")  # in the order in which they are looked for
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".msgpack", ".h5")


@dataclass(frozen=True)
class WeightFiles:
    """What a network is loaded from."""

    variant: str | None  # as `from_pretrained` takes it
    files: tuple[Path, ...]  # one, or the shards
    tensors: Mapping[str, tuple[int, ...]]  # shape by name


def find_weights(folder: Path, library: str) -> WeightFiles:
    """The weights in a network's folder, under the names of `library` (diffusers, transformers).

    One file or shards with their index; without a variant if there are such, else of fp16.

    Raises:
        UserError: there are none, a shard is missing, or a file is not whole.
    """
    for variant in VARIANTS:
        name = ".".join(filter(None, (STEMS[library], variant, "safetensors")))
        index = ".".join(filter(None, (STEMS[library], "safetensors.index", variant, "json")))
        # Where both are there, diffusers reads the shards and transformers the single file.
        for found in (index, name) if library == "diffusers" else (name, index):
            if (folder / found).is_file():
                if found == index:
                    return WeightFiles(variant, *_of_shards(folder / index))
                return WeightFiles(variant, (folder / name,), read_header(folder / name))
    name = f"{STEMS[library]}.safetensors"
    if pickles := sorted(f.name for f in folder.iterdir() if f.suffix in PICKLES):
        raise UserError(
            f"{folder} holds {pickles[0]} and no {name}: only safetensors are read, because a "
            "pickle can run any code; save the pipeline again with safe_serialization=True"
        )
    raise UserError(
        f"there is no {folder / name}, nor its fp16 variant or {name}.index.json with shards: "
        "fetch the weights"
    )


def read_header(path: Path) -> dict[str, tuple[int, ...]]:
    """Shapes by name of the tensors in a safetensors file.

    Raises UserError where the file is not one, or is shorter or longer than its header says.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        text = file.read(length) if size >= 8 + length else b""
    try:
        header = json.loads(text)
        header.pop("__metadata__", None)
        tensors = {name: tuple(entry["shape"]) for name, entry in header.items()}
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        raise UserError(
            f"{path} is not a whole safetensors file: its header cannot be read; fetch it again"
        ) from None
    if size != 8 + length + end:
        raise UserError(
            f"{path} is not whole: it has {size} bytes and its header speaks of "
            f"{8 + length + end}; fetch it again"
        )
    return tensors


def _of_shards(index: Path) -> tuple[tuple[Path, ...], dict[str, tuple[int, ...]]]:
    """All shards that an index names, and their tensors."""
    places = read_json(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(p, str) for p in places.values()):
        raise UserError(f"{index} has no weight_map that says which shard holds what: fetch it")
    shards = tuple(index.parent / name for name in sorted(set(places.values())))
    found: dict[str, tuple[int, ...]] = {}
    for shard in shards:
        if not shard.is_file():
            raise UserError(f"there is no {shard}, which {index.name} names: fetch it")
        found |= read_header(shard)
    for name in places:
        if name not in found:
            raise UserError(f"{index} names {name}, which no shard holds: fetch them again")
    return shards, found


def read_json(path: Path) -> dict:
    """The keys and values of a JSON file.  Raises UserError where it holds none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"there is no {path}") from None
    except (ValueError, OSError) as error:
        raise UserError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} must hold keys and values, not {type(content).__name__}")
    return content

"""Folders of DiT pipelines in diffusers' layout: transformer/ and scheduler/, of the rest nothing.

Nothing is fetched, and only safetensors are read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from w2s.errors import UserError
from w2s.models.dit import config_from
from w2s.pipelines.weight_files import find_weights, read_json

if TYPE_CHECKING:
    from torch import Tensor

PIPELINE = "DiTPipeline"
FILES = ("transformer/config.json", "scheduler/scheduler_config.json")


def is_pipeline(path: Path) -> bool:
    """Whether a folder is laid out as diffusers saves a pipeline."""
    return (path / "transformer").is_dir() or (path / "model_index.json").is_file()


def read_config(path: Path) -> dict:
    """The network's configuration, its noise schedule included.

    Raises:
        UserError: the pipeline or one of its parts is of another kind, or a file is missing or
            not whole.
    """
    index = path / "model_index.json"
    if index.is_file() and (name := read_json(index).get("_class_name")) != PIPELINE:
        raise UserError(f"{index} is of {name}, not of {PIPELINE}, which knows classes")
    for file in FILES:
        if not (path / file).is_file():
            raise UserError(
                f"there is no {path / file}: a folder of {PIPELINE} has {' and '.join(FILES)}"
            )
    find_weights(path / "transformer", "diffusers")
    try:
        return config_from(*(read_json(path / file) for file in FILES))
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def read_weights(path: Path) -> dict[str, Tensor]:
    """The transformer's weights under the names of `models.dit_network`, as they are stored."""
    from safetensors.torch import load_file

    files = find_weights(path / "transformer", "diffusers").files
    found = {name: value for file in files for name, value in load_file(file).items()}
    found.pop("pos_embed.pos_embed", None)  # older diffusers stored what the class computes
    return {f"transformer.{name}": value for name, value in found.items()}

"""The transformer of an SD3 or SD3.5 pipeline folder, under the names of this project's network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from w2s.errors import UserError
from w2s.models.load import misfit
from w2s.models.precision import DTYPES
from w2s.models.sd3 import USE
from w2s.pipelines.folder import read_folder


def read(path: Path, network: Mapping) -> tuple[dict[str, Tensor], list[str]]:
    """The weights in the precision they are stored in, and the names of their files.

    They stay in their files until they are used, so that a network of any size can be read.

    network: the configuration that the plan counts on.  Raises UserError where the folder holds
    another network, and where its weights are not fp32, bf16 or fp16.
    """
    from safetensors.torch import load_file

    folder = read_folder(path)
    for key, value in network.items():
        if key not in USE and folder.transformer.get(key) != value:
            raise UserError(
                f"{path}: the {key} of its transformer is {folder.transformer.get(key)} and the "
                f"study counts on {value}: correct what it says of the network, or the path"
            )
    files = folder.weights["transformer"].files
    found = {name: value for file in files for name, value in load_file(file).items()}
    for name, value in found.items():
        if value.dtype not in DTYPES.values():
            stored = str(value.dtype).removeprefix("torch.")
            raise UserError(
                f"{path / 'transformer'}: {name} is stored in {stored}; weights in fp32, bf16 or "
                "fp16 are read"
            )
    weights = {f"transformer.{name}": value for name, value in found.items()}
    if wrong := misfit(weights, network):
        raise UserError(
            f"{path / 'transformer'} does not hold the network of its config.json: {wrong}"
        )
    return weights, [file.name for file in files]

"""Networks that were trained elsewhere: how a study names them, and what they turn out to be."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from w2s.errors import UserError
from w2s.models.registry import family_of
from w2s.params.files import KeyPath
from w2s.params.models import Network
from w2s.params.networks import latent_shape
from w2s.pipelines.dit_folder import is_pipeline, read_config
from w2s.strict import Strict

CHECKPOINTS = (".pt", ".pth", ".safetensors")  # single files; anything else is a folder


class Scaling(Strict):
    """How a network's latents follow from the VAE's own: ``(z - shift) * scale``."""

    shift: float = 0.0
    """What is subtracted from the VAE's latents."""
    scale: PositiveFloat
    """What the difference is multiplied by; 0.18215 for the first Stable Diffusion VAE."""


class Pretrained(Strict):
    """A network that was trained elsewhere."""

    path: Annotated[str, Field(min_length=1)]
    """A folder with config.json and model.safetensors, a folder of diffusers' DiTPipeline, or a
    public checkpoint (.pt, .pth, .safetensors)."""
    network: Network | None = None
    """What the network is, as under models; null: the folder's config.json says it."""
    classes: PositiveInt | None = None
    """How many classes the network knows; null: as many as the data set has."""
    conditional: bool = True
    """Whether the network was trained with class labels."""
    time: Literal["noise-at-one", "data-at-one"] | None = None
    """Direction of a checkpoint's time; null: noise at one for weights with the marks of REPA or
    SGG, data at one for others."""
    scaling: Scaling | None = None
    """The constants of the latents it was trained on; null: those of the study's latents."""
    fingerprint: str | None = None
    """Identity of the weights; hashed from the files if null."""

    @property
    def is_checkpoint(self) -> bool:
        """Whether the path is one file of weights instead of a folder."""
        return Path(self.path).suffix in CHECKPOINTS

    def network_of(self, latents: tuple[int, int, int], classes: int) -> dict:
        """The configuration, for latents (C, H, W) and the data set's number of classes.

        Raises UserError where only a folder could tell it, and does not.
        """
        if self.network is not None:
            config = self.network.config(latents, self.classes or classes)
            return config | ({"time": self.time} if self.time else {})
        path = Path(self.path)
        return read_config(path) if is_pipeline(path) else _read(path / "config.json")


def find_networks(params, data: dict, where: Callable[[KeyPath], str]) -> dict[str, dict]:
    """The configuration of each pretrained network, by name.

    data: the data set as found; where: names the file and path of a key.

    Raises:
        UserError: a folder does not say what its network is, or the network does not fit the
            study's latents or its number of classes.
    """
    found = {}
    for name, block in params.pretrained.items():
        latents, classes = latent_shape(params), block.classes or data["classes"]
        try:
            found[name] = block.network_of(latents, classes)
            key, wrong = _mismatch(found[name], latents, classes)
        except UserError as error:
            key, wrong = "path", str(error)
        if wrong:
            raise UserError(f"{where(('pretrained', name, key))}: {wrong}")
    return found


def _mismatch(config: Mapping, latents: tuple, classes: int) -> tuple[str, str]:
    """The key that a network contradicts, and how; empty where it fits."""
    try:
        family = family_of(config)
        reads, knows, _ = family.latents(config), family.classes(config), family.shape(config)
    except (KeyError, TypeError) as error:
        raise UserError(f"its config.json does not describe a network: {error} is amiss") from None
    if tuple(reads) != tuple(latents):
        return (
            "path",
            f"the network reads {_size(reads)} and the study's latents are {_size(latents)}",
        )
    if knows != classes:
        return "classes", f"the network knows {knows} classes and not {classes}; say so here"
    return "", ""


def _size(shape: tuple[int, int, int]) -> str:
    channels, height, width = shape
    return f"{channels} channels of {height} x {width}"


def _read(path: Path) -> dict:
    if not path.exists():
        raise UserError(
            f"there is no {path}, which would say what the network is; put it there, or give "
            "the network"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise UserError(f"{path} must hold a network's configuration, keys and values")
    return config

"""`w2s import-checkpoint`: a public checkpoint, once, as a folder that a study can name."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from pydantic import PositiveInt, ValidationError

from w2s.errors import UserError
from w2s.files import sha256, write_json
from w2s.models.registry import family_of
from w2s.models.vp import Schedule
from w2s.strict import Strict, did_you_mean, is_plain

SUFFIXES = (".safetensors", ".pt", ".pth")
HOME = Path("data/networks")


class SiTSaid(Strict):
    """What a SiT's weights do not tell."""

    heads: PositiveInt | None = None
    head_at: PositiveInt | None = None
    time: Literal["noise-at-one", "data-at-one"] | None = None

    def network(self) -> dict:
        """Entries of the configuration."""
        said = {"num_heads": self.heads, "head_at": self.head_at, "time": self.time}
        return {"kind": "sit"} | {key: value for key, value in said.items() if value is not None}


class DiTSaid(Schedule):
    """What a DiT's weights do not tell: the noise levels they were trained on, too."""

    heads: PositiveInt | None = None

    def network(self) -> dict:
        """Entries of the configuration."""
        heads = {"num_attention_heads": self.heads} if self.heads else {}
        return {"kind": "dit", "schedule": self.model_dump(exclude={"heads"})} | heads


SAID = {"sit": SiTSaid, "dit": DiTSaid}


def import_checkpoint(file: Path, kind: str, name: str, said: str = "", home: Path = HOME) -> str:
    """Convert a checkpoint into `home`/`name`; returns what it is and what to write in a study.

    kind: "sit" or "dit", whose weights have the same names.  said: what the weights do not tell,
    as in "heads=6,time=data-at-one".  Pickles are read with `weights_only`, once; the folder says
    the file's SHA-256, and is there whole or not at all.

    Raises:
        UserError: the file is absent, damaged or of another network, the name is taken or no name,
            or what is said is unknown or contradicts the file.
    """
    if not is_plain(name):
        raise UserError(f"'{name}' is no name: it is made of letters, digits and - _ .")
    if (home / name).exists():
        raise UserError(f"{home / name} is there already; choose another --name, or remove it")
    if file.suffix not in SUFFIXES:
        raise UserError(f"{file} is none of {', '.join(SUFFIXES)}, which checkpoints are read from")
    if not file.is_file():
        raise UserError(f"there is no file {file}; correct the path")
    network = _network(kind, said)

    from safetensors.torch import save_file

    from w2s.models.public import read

    weights, config, dropped = read(file, network)
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=home, prefix=f".{name}.") as scratch:
        made = Path(scratch) / name
        made.mkdir()
        save_file(weights, made / "model.safetensors")
        write_json(made / "config.json", config)
        source = {"file": file.name, "sha256": sha256(file), "dropped": dropped}
        write_json(made / "source.json", source)
        made.rename(home / name)
    return _told(home / name, kind, config, source)


def _network(kind: str, said: str) -> dict:
    """Entries of the configuration that the user gives; UserError for any other."""
    if kind not in SAID:
        raise UserError(
            f"there is no public checkpoint of kind '{kind}'; {did_you_mean(kind, SAID)}"
        )
    given = {}
    for entry in filter(None, said.split(",")):
        key, sign, text = entry.partition("=")
        if not sign:
            raise UserError(f"--network: '{entry}' must read key=value, such as heads=6")
        given[key.strip()] = _value(text.strip())
    try:
        return SAID[kind](**given).network()
    except ValidationError as error:
        first = error.errors()[0]
        key = first["loc"][0]
        if first["type"] == "extra_forbidden":
            hint = did_you_mean(key, SAID[kind].model_fields)
            raise UserError(f"--network: a {kind} has no key '{key}'; {hint}") from None
        raise UserError(f"--network: {key} is {given[key]}: {first['msg']}") from None


def _value(text: str):
    try:
        return json.loads(text)
    except ValueError:
        return text


def _told(folder: Path, kind: str, config: dict, source: dict) -> str:
    family = family_of(config)
    channels, height, width = family.latents(config)
    return (
        f"{folder}: a {kind} of {family.shape(config).depth} blocks for {family.classes(config)} "
        f"classes, on {channels} channels of {height} x {width}, from {source['file']} "
        f"(SHA-256 {source['sha256']}).\nIn the scale's file:\n\npretrained:\n"
        f"  {folder.name}: {{path: {folder}}}\n\nand its latents' scaling there, where it is not "
        "that of the study's own latents."
    )

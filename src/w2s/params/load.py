"""From YAML files to a checked study; every mistake is one sentence with its file and key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, ValidationError

from w2s.errors import UserError
from w2s.params.checks import mistakes
from w2s.params.data import FolderData
from w2s.params.files import Layers, read_scale, read_yaml
from w2s.params.fingerprint import count_classes, fingerprint
from w2s.params.sentences import sentences
from w2s.params.study import Study
from w2s.strict import Strict

COMMAND_LINE = "command line"


class ExecutionParams(Strict):
    """How to run; none of this changes a result."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """auto, cpu, cuda or cuda:1; auto takes a GPU if there is one."""
    threads: PositiveInt = 1
    """Threads per process."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of sampling; auto is fp32 on the CPU and bf16 on a GPU."""
    compile: bool = False
    """Whether to compile the network's blocks when sampling."""
    minutes: PositiveFloat | None = None
    """Time budget of a training job: it saves its state and stops cleanly before that."""


class Settings(Strict):
    """The top of params.yaml."""

    scale: Literal["smoke", "mini", "paper"]
    """Which study: scales/<scale>.yaml."""
    data: Annotated[str, Field(min_length=1)] | None = None
    """A folder of class sub-folders with images, instead of the scale's own data set."""
    execution: ExecutionParams = ExecutionParams()
    """How to run."""


@dataclass(frozen=True)
class Params:
    """A checked study and how to run it."""

    scale: str
    study: Study
    execution: ExecutionParams
    data: dict  # the data set as found: name, classes, fingerprint, path (None for the toy)
    fingerprints: dict[str, str]  # of files given by path: "vae", "features"
    layers: Layers  # where the study's keys were set

    @contextmanager
    def at(self, *path: str) -> Iterator[None]:
        """Name a key in the mistakes that the block finds while planning."""
        try:
            yield
        except UserError as error:
            raise UserError(f"{self.layers.where(path)}: {error}") from None


def load_params(path: Path, overrides: dict | None = None) -> Params:
    """Read params.yaml, lay `overrides` (from --config) over it, and check the whole study.

    Raises:
        UserError: anything a user can mend, one line per mistake.
    """
    top = Layers(
        ((str(path), read_yaml(path)), *([(COMMAND_LINE, overrides)] if overrides else []))
    )
    settings = _valid(Settings, top)
    layers = Layers(tuple(read_scale(path.parent / "scales" / f"{settings.scale}.yaml")))
    where = layers.where(("data", "path"))
    if settings.data is not None:
        where = top.where(("data",))
        layers = _with_own_folder(layers, settings.data, where.removesuffix(": data"))
    study = _valid(Study, layers)
    if found := [f"{layers.where(at)}: {what}" for at, what in mistakes(study)]:
        raise UserError("\n".join(found))
    return Params(
        scale=settings.scale,
        study=study,
        execution=settings.execution,
        data=_find_data(study.data, where),
        fingerprints={
            name: block.fingerprint or fingerprint(Path(block.path))
            for name in ("vae", "features")
            if hasattr(block := getattr(study, name), "path")
        },
        layers=layers,
    )


def find_params(home: Path) -> Path:
    """params.yaml of the working directory, or else the one beside the Snakefile."""
    here = Path("params.yaml")
    return here if here.exists() else Path(home) / "params.yaml"


def _with_own_folder(layers: Layers, folder: str, source: str) -> Layers:
    """A study on a user's own images: nothing of the scale's data set stays but the resolution."""
    old, own = layers.merged().get("data"), {"kind": "folder", "path": folder}
    if isinstance(old, dict) and "resolution" in old:
        own["resolution"] = old["resolution"]
    rest = [(name, {k: v for k, v in data.items() if k != "data"}) for name, data in layers.stack]
    return Layers((*rest, (source, {"data": own})))


def _find_data(data, where: str) -> dict:
    """Look at the data set once: what it is called, how many classes it has, what it contains."""
    if not isinstance(data, FolderData):
        return {"name": data.name, "classes": data.classes, "fingerprint": None, "path": None}
    path = Path(data.path)
    return {
        "name": data.name or path.resolve().name,
        "classes": data.classes or count_classes(path, where),
        "fingerprint": data.fingerprint or fingerprint(path),
        "path": data.path,
    }


def _valid(model, layers: Layers):
    """The merged layers as a model; a line for each mistake."""
    merged = layers.merged()
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        found = sentences(error.errors(include_url=False), merged)
        raise UserError("\n".join(f"{layers.where(at)}: {what}" for at, what in found)) from None

"""From YAML files to a checked study; every mistake is one sentence with its file and key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError

from w2s.errors import UserError
from w2s.params.base import Strict
from w2s.params.data import FolderData
from w2s.params.fingerprint import count_classes, fingerprint
from w2s.params.study import Study


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
    data: str | None = None
    """A folder of class sub-folders with images, instead of the scale's own data set."""
    execution: ExecutionParams = ExecutionParams()


@dataclass(frozen=True)
class Params:
    """A checked study and how to run it."""

    scale: str
    study: Study
    execution: ExecutionParams
    data: dict  # the data set as found: name, classes, fingerprint, path (None for the toy)
    fingerprints: dict[str, str]  # of files given by path: "vae", "features"


class _Loader(yaml.SafeLoader):
    """YAML 1.2's floats (1e-4 is a number) and no silently repeated keys."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
    list("-+0123456789."),
)


def _mapping(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            line = node.start_mark.line + 1
            raise UserError(f"{loader.name}: key '{key}' appears twice in the block at line {line}")
    return dict(
        zip(keys, (loader.construct_object(v, deep=True) for _, v in node.value), strict=True)
    )


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def load_params(path: Path, overrides: dict | None = None) -> Params:
    """Read params.yaml, lay `overrides` (from --config) over it, and check the whole study.

    Raises:
        UserError: anything a user can mend, one line per mistake.
    """
    settings = _check(Settings, [(path, _read(path)), (Path("--config"), overrides or {})])
    layers = _layers(path.parent / "scales" / f"{settings.scale}.yaml")
    if settings.data is not None:
        layers.append((path, _own_folder(settings.data, layers)))
    study = _check(Study, layers)
    return Params(
        scale=settings.scale,
        study=study,
        execution=settings.execution,
        data=_find_data(study.data),
        fingerprints={
            name: block.fingerprint or fingerprint(Path(block.path), f"{name}.path")
            for name in ("vae", "features")
            if hasattr(block := getattr(study, name), "path")
        },
    )


def merge(below: dict, above: dict) -> dict:
    """Lay one mapping over another, block by block; a block that names another kind replaces."""
    out = dict(below)
    for key, value in above.items():
        old = below.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        same = both and ("kind" not in value or value["kind"] == old.get("kind"))
        out[key] = merge(old, value) if same else value
    return out


def _read(path: Path) -> dict:
    try:
        text = path.read_text(encoding="utf-8")
        loader = _Loader(text)
        loader.name = str(path)
        data = loader.get_single_data()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({error}); give it back or correct it") from None
    except yaml.YAMLError as error:
        where = f" at line {error.problem_mark.line + 1}" if hasattr(error, "problem_mark") else ""
        raise UserError(f"{path}: not valid YAML{where}: {error.problem}") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: must hold keys and values, such as 'scale: mini'")
    return data


def _layers(path: Path) -> list[tuple[Path, dict]]:
    """A scale's file and the file it is based on, the base first."""
    data = _read(path)
    base = data.pop("base", None)
    below = _layers(path.with_name(f"{base}.yaml")) if base is not None else []
    return [*below, (path, data)]


def _own_folder(folder: str, layers) -> dict:
    """What changes in a study when it runs on a user's own images."""
    resolution = next((d["data"]["resolution"] for _, d in reversed(layers) if "data" in d), None)
    return {"data": {"kind": "folder", "path": folder, "resolution": resolution}}


def _find_data(data) -> dict:
    """Look at the data set once: what it is called, how many classes it has, what it contains."""
    if not isinstance(data, FolderData):
        return {"name": data.name, "classes": data.classes, "fingerprint": None, "path": None}
    path = Path(data.path)
    return {
        "name": data.name or path.resolve().name,
        "classes": data.classes or count_classes(path),
        "fingerprint": data.fingerprint or fingerprint(path, "data"),
        "path": data.path,
    }


def _check(model, layers: list[tuple[Path, dict]]):
    """Validate merged layers; name for each mistake the file that set the key."""
    merged = {}
    for _, data in layers:
        merged = merge(merged, data)
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        sentences = [_sentence(e, merged, layers) for e in error.errors(include_url=False)]
        raise UserError("\n".join(dict.fromkeys(sentences))) from None


def _sentence(error: dict, merged: dict, layers) -> str:
    """One mistake as 'file: key.path: what is wrong'."""
    if error["type"] == "study":
        path = error["ctx"]["at"].split(".")
        what = error["ctx"]["why"]
    else:
        path = _real_path(error["loc"], merged)
        what = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        if error["type"] == "missing":
            what = "is missing"
        elif not isinstance(error["input"], dict | list | tuple):
            what += f", not {error['input']!r}"
    if error["type"] == "unknown_key":
        path = [*path, error["ctx"]["key"]]
    file = next((f for f, d in reversed(layers) if _holds(d, path)), layers[-1][0])
    return f"{file}: {'.'.join(map(str, path))}: {what}"


def _real_path(loc: tuple, merged) -> list:
    """The path as a user wrote it: without the tags that unions add, 1-based in lists."""
    path, here = [], merged
    for part in loc:
        if (isinstance(here, dict) and part in here) or (
            isinstance(here, list) and isinstance(part, int) and part < len(here)
        ):
            here = here[part]
        elif part == loc[-1] and not isinstance(here, dict | list):
            break
        elif part != loc[-1]:
            continue
        path.append(part)
    return path


def _holds(data, path: list) -> bool:
    for part in path:
        if (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        ):
            data = data[part]
        else:
            return False
    return True


def find_params(home: Path) -> Path:
    """params.yaml of the working directory, or else the one beside the Snakefile."""
    here = Path("params.yaml")
    return here if here.exists() else Path(home) / "params.yaml"

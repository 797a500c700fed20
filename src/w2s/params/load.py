"""From YAML files to a checked study; every mistake is one sentence with its file and key."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from w2s.errors import UserError
from w2s.params.files import Layers, read_scale, read_yaml
from w2s.params.kinds import PART_KINDS
from w2s.params.parts import FIRST, Part, Study
from w2s.params.sentences import sentences
from w2s.params.settings import Settings

COMMAND_LINE = "command line"


def load_study(path: Path, overrides: dict | None = None) -> Study:
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
    kind = PART_KINDS["pictures"]
    params = _valid(kind.params, layers)
    if found := [f"{layers.where(at)}: {what}" for at, what in kind.mistakes(params)]:
        raise UserError("\n".join(found))
    part = Part(
        scale=settings.scale,
        name=FIRST,
        params=params,
        data=kind.find_data(params.data, where),
        fingerprints=kind.find_files(params),
        layers=layers,
    )
    return Study(settings.scale, (part,), params.cost, settings.execution)


def find_params(home: Path) -> Path:
    """params.yaml of the working directory, or else the one beside the Snakefile."""
    here = Path("params.yaml")
    return here if here.exists() else Path(home) / "params.yaml"


def _with_own_folder(layers: Layers, folder: str, source: str) -> Layers:
    """A part on a user's own images: nothing of the scale's data set stays but the resolution."""
    old, own = layers.merged().get("data"), {"kind": "folder", "path": folder}
    if isinstance(old, dict) and "resolution" in old:
        own["resolution"] = old["resolution"]
    rest = [(name, {k: v for k, v in data.items() if k != "data"}) for name, data in layers.stack]
    return Layers((*rest, (source, {"data": own})))


def _valid(model, layers: Layers):
    """The merged layers as a model; a line for each mistake."""
    merged = layers.merged()
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        found = sentences(error.errors(include_url=False), merged)
        raise UserError("\n".join(f"{layers.where(at)}: {what}" for at, what in found)) from None

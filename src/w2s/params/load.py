"""From YAML files to a checked study; every mistake is one sentence with its file and key."""

from __future__ import annotations

from pathlib import Path

from w2s.errors import UserError
from w2s.params.adopted import read_adopted
from w2s.params.between import between_parts
from w2s.params.claim_files import read_claims
from w2s.params.files import Layers, read_yaml
from w2s.params.kinds import PartKind, kind_of
from w2s.params.parts import Part, Study
from w2s.params.scales import part_files, read_part
from w2s.params.settings import Settings
from w2s.params.validate import valid
from w2s.strict import Strict, did_you_mean

COMMAND_LINE = "command line"


def load_study(path: Path, overrides: dict | None = None) -> Study:
    """Read params.yaml, lay `overrides` (from --config) over it, and check the whole study.

    Every part is checked, whichever are asked for; only those are looked up on this machine.

    Raises:
        UserError: anything a user can mend, one line per mistake.
    """
    top = Layers(
        ((str(path), read_yaml(path)), *([(COMMAND_LINE, overrides)] if overrides else []))
    )
    settings, scales = valid(Settings, top), path.parent / "scales"
    files = part_files(scales, settings.scale, top.where(("scale",)))
    asked = _asked(settings, files, top)
    layers = {name: read_part(scales, name, file) for name, file in files.items()}
    kinds = {name: kind_of(own) for name, own in layers.items()}
    where = {name: own.where(kinds[name].data_at) for name, own in layers.items()}
    if settings.data is not None:
        own_images = [name for name, kind in kinds.items() if kind.own_images]
        if not set(asked) & set(own_images):
            raise UserError(f"{top.where(('data',))}: no part that is run reads images; drop it")
        for name in own_images:
            where[name] = top.where(("data",))
            source = where[name].removesuffix(": data")
            layers[name] = _with_own_folder(layers[name], settings.data, source)
    params = _checked(layers, kinds, files)
    claims = read_claims(path.parent / "claims", settings.scale, params, files)
    data = {name: kinds[name].find_data(params[name], where[name]) for name in asked}
    return Study(
        scale=settings.scale,
        parts=tuple(
            Part(
                scale=settings.scale,
                name=name,
                params=params[name],
                data=data[name],
                networks=kinds[name].find_networks(params[name], data[name], layers[name].where),
                fingerprints=kinds[name].find_files(params[name]),
                layers=layers[name],
                claims=claims.get(name),
                adopted=read_adopted(files[name]),
            )
            for name in asked
        ),
        unasked_claims={n: len(own.by_name) for n, own in claims.items() if n not in asked},
        cost=next((block.cost for block in params.values() if block.cost), None),
        execution=settings.execution,
    )


def find_params(home: Path) -> Path:
    """params.yaml of the working directory, or else the one beside the Snakefile."""
    here = Path("params.yaml")
    return here if here.exists() else Path(home) / "params.yaml"


def _asked(settings: Settings, files: dict[str, Path], top: Layers) -> list[str]:
    """The parts that are asked for, in the study's order."""
    if settings.parts is None:
        return list(files)
    asked = (settings.parts,) if isinstance(settings.parts, str) else settings.parts
    for name in asked:
        if name not in files:
            what = f"scale '{settings.scale}' has no part named '{name}'"
            raise UserError(f"{top.where(('parts',))}: {what}; {did_you_mean(name, files)}")
    return [name for name in files if name in asked]


def _checked(
    layers: dict[str, Layers], kinds: dict[str, PartKind], files: dict[str, Path]
) -> dict[str, Strict]:
    """The parameters of every part; a line for each mistake in any."""
    params, found = {}, []
    for name, own in layers.items():
        try:
            params[name] = valid(kinds[name].params, own)
        except UserError as error:
            found.append(str(error))
        else:
            at_fault = kinds[name].mistakes(params[name])
            found += [f"{own.where(path)}: {what}" for path, what in at_fault]
    found += between_parts(params, layers, files)
    if found:
        raise UserError("\n".join(found))
    return params


def _with_own_folder(layers: Layers, folder: str, source: str) -> Layers:
    """A part on a user's own images: nothing of the scale's data set stays but the resolution.

    Images are compared with the folder's own, and as nothing is held out of it, rows of held-out
    images are left out.
    """
    old, own = layers.merged().get("data"), {"kind": "folder", "path": folder}
    if isinstance(old, dict) and "resolution" in old:
        own["resolution"] = old["resolution"]
    rest = [(name, _without_data(data)) for name, data in layers.stack]
    return Layers((*rest, (source, {"data": own})))


def _without_data(block: dict) -> dict:
    """A scale's keys and values without its data set, and without what speaks of it alone."""
    rest = {key: value for key, value in block.items() if key != "data"}
    if _says(rest.get("reference"), "kind", "adm"):
        del rest["reference"]
    if isinstance(tables := rest.get("tables"), dict):
        rest["tables"] = {name: _without_real_rows(table) for name, table in tables.items()}
    return rest


def _without_real_rows(table):
    if not isinstance(table, dict) or not isinstance(rows := table.get("rows"), dict):
        return table
    return table | {"rows": {k: row for k, row in rows.items() if not _says(row, "real", True)}}


def _says(block, key: str, value) -> bool:
    return isinstance(block, dict) and block.get(key) == value

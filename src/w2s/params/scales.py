"""Scales: a file or a folder of files under scales/, and what each of their parts is based on."""

from __future__ import annotations

from pathlib import Path

from w2s.errors import UserError
from w2s.params.files import Layers, read_yaml
from w2s.params.parts import FIRST
from w2s.strict import did_you_mean, is_plain


def part_files(scales: Path, scale: str, where: str) -> dict[str, Path]:
    """The file of each part of a scale: pictures first, the others by name.

    scales/<scale>.yaml is the one part named pictures; in scales/<scale>/ each file is a part.
    where: the file and key that name the scale.

    Raises:
        UserError: there is no such scale, or it is both file and folder, or it has no part.
    """
    file, folder = scales / f"{scale}.yaml", scales / scale
    known = scale_names(scales)
    if scale not in known:
        raise UserError(f"{where}: there is no scale named '{scale}'; {did_you_mean(scale, known)}")
    if file.is_file() and folder.is_dir():
        raise UserError(f"{where}: there are both {file} and {folder}/; keep one of them")
    if file.is_file():
        return {FIRST: file}
    found = {path.stem: path for path in folder.glob("*.yaml")}
    if not found:
        raise UserError(f"{where}: {folder} holds no part; put one there, such as {FIRST}.yaml")
    for name, path in found.items():
        if not is_plain(name):
            raise UserError(f"{path}: a part's name is made of letters, digits and - _ .")
    return {name: found[name] for name in sorted(found, key=lambda name: (name != FIRST, name))}


def scale_names(scales: Path) -> list[str]:
    """Every scale there is."""
    files = {path.stem for path in scales.glob("*.yaml")}
    folders = {path.name for path in scales.glob("*") if path.is_dir()}
    return sorted(name for name in files | folders if is_plain(name))


def read_part(scales: Path, name: str, file: Path) -> Layers:
    """A part's file and the files it is based on.

    `base: mini` is the part of the same name of another scale, `base: mini/pictures` any part.

    Raises:
        UserError: a file cannot be read, or is based on what is not there or on itself.
    """
    layers: list[tuple[str, dict]] = []
    while True:
        data = read_yaml(file)
        base = data.pop("base", None)
        layers.insert(0, (str(file), data))
        if base is None:
            return Layers(tuple(layers))
        where = f"{file}: base"
        scale, _, part = str(base).partition("/")
        files = part_files(scales, scale, where)
        name = part or name
        if name not in files:
            hint = did_you_mean(name, files)
            raise UserError(f"{where}: scale '{scale}' has no part named '{name}'; {hint}")
        file = files[name]
        if any(str(file) == below for below, _ in layers):
            raise UserError(f"{where}: '{base}' rests on this file itself; name another scale")

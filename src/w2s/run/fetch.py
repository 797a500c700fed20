"""`w2s fetch --list`: what a study names by path, and where a person gets what is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml

from w2s.files import sha256
from w2s.params.parts import Study

DOWNLOADS = Path(__file__).with_name("downloads.yaml")
FILES = "scores"  # whose values are paths by name, and settings
RIGHT = "there, and its SHA-256 is right"
WRONG = "there, but its SHA-256 is another"


def wanted(study: Study) -> str:
    """Every file and folder that the study names, present or not, and what is known of each."""
    paths = paths_of(study)
    if not paths:
        return f"scale {study.scale} makes everything it needs; nothing has to be downloaded"
    absent = [path for path in paths if not Path(path).exists()]
    lines = [
        f"scale {study.scale} names {len(paths)} files and folders, of which {len(absent)} are not "
        "there; nothing is downloaded by itself"
    ]
    for path in paths:
        lines += ["", *_entry(path)]
    return "\n".join(lines)


def paths_of(study: Study) -> list[str]:
    """Every file and folder that the study names, in order."""
    return sorted({path for part in study.parts for path in _paths(part.params.model_dump())})


def known_as(path: str) -> dict | None:
    """What is known of the file or folder that a study's path ends in."""
    return next((entry for entry in _known() if f"/{path}".endswith(f"/{entry['path']}")), None)


def _paths(block) -> Iterator[str]:
    """The paths in parameters: under keys of that name, and all that scores are given."""
    if isinstance(block, Mapping):
        for key, value in block.items():
            if key == "path" and isinstance(value, str):
                yield value
            elif key == FILES and isinstance(value, Mapping):
                given = (entry for entries in value.values() for entry in entries.values())
                yield from (path for path in given if isinstance(path, str))
            else:
                yield from _paths(value)
    elif isinstance(block, list | tuple):
        for value in block:
            yield from _paths(value)


def _entry(path: str) -> Iterator[str]:
    known = known_as(path)
    yield f"{path}: {state_of(Path(path), known)}"
    if known is None:
        yield "  not known here: a file or folder of your own"
        return
    yield f"  {known['what']}"
    yield f"  from   {known['source']}"
    yield f"  terms  {known['terms']}"
    yield f"  size   about {known['size']}"
    if "sha256" in known:
        yield f"  sha256 {known['sha256']}{'...' if len(known['sha256']) < 64 else ''}"


def state_of(path: Path, known: Mapping | None) -> str:
    """Whether it is there, and whether a file whose hash is known has it."""
    if not path.exists():
        return "not there; put it there"
    if known and "sha256" in known and path.is_file():
        return RIGHT if sha256(path).startswith(known["sha256"]) else WRONG
    return "there"


@cache
def _known() -> list[dict]:
    return yaml.safe_load(DOWNLOADS.read_text(encoding="utf-8"))

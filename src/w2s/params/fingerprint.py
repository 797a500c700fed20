"""The content of files that a study is given by path, as one hash.

Contents decide, never dates: a file's size and modification time only tell whether its hash, kept
from the last look, can be used again.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from w2s.data.formats import SUFFIXES
from w2s.errors import UserError
from w2s.files import sha256, write_text

CACHE = Path(".w2s/fingerprints.json")
ABSENT = "absent:"


def fingerprint(path: Path) -> str:
    """SHA-256 over names and contents of a file, or of all files below a folder.

    What is not there yet is named by its path, so that it can be planned for.
    """
    if not path.exists():
        return f"{ABSENT}{path}"
    files = [path] if path.is_file() else sorted(_walk(path))
    cache = json.loads(CACHE.read_text()) if CACHE.exists() else {}
    known, lines = cache.get(str(path.resolve()), {}), {}
    for file in files:
        stat, name = file.stat(), str(file.relative_to(path)) if file != path else path.name
        state = [stat.st_size, stat.st_mtime_ns]
        old = known.get(name)
        lines[name] = old if old and old[:2] == state else [*state, sha256(file)]
    if lines != known:
        write_text(CACHE, json.dumps(cache | {str(path.resolve()): lines}))
    text = "\n".join(f"{name} {line[2]}" for name, line in lines.items())
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def count_classes(path: Path, where: str, flat: bool = False) -> int:
    """Number of class sub-folders, 1 in a flat folder; `where`: the file and key that name it.

    Raises:
        UserError: there is no such folder, or it has no sub-folders; or of a flat folder, it has
            sub-folders or no images.
    """
    if not path.is_dir():
        holds = "with images" if flat else "with a sub-folder per class"
        raise UserError(f"{where}: there is no folder {path}; give one {holds}")
    entries = [entry for entry in path.iterdir() if entry.name[0] != "."]
    classes = [entry for entry in entries if entry.is_dir()]
    if flat and classes:
        raise UserError(
            f"{where}: {path} has sub-folders and flat: true is set; move them elsewhere, or leave "
            "out flat if each is a class"
        )
    if flat and not any(entry.suffix.lower() in SUFFIXES for entry in entries):
        raise UserError(f"{where}: {path} has no images ({', '.join(SUFFIXES)}); put some in it")
    if not flat and not classes:
        raise UserError(
            f"{where}: {path} has no sub-folders; put each class's images in one, or set "
            "data.flat: true in the scale's file where they are one class"
        )
    return 1 if flat else len(classes)


def _walk(path: Path):
    for folder, names, files in os.walk(path):
        names[:] = [n for n in names if not n.startswith(".")]
        yield from (Path(folder, f) for f in files if not f.startswith("."))

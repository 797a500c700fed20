"""The key that a published file carries, the nodes a cell names, and the key files of a run."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from pathlib import Path

from w2s.files import replacing, write_text
from w2s.plan.published import Group

KEYS = Path(".w2s/keys")
KEY = re.compile(rb"w2s-key[^0-9a-f]{1,5}([0-9a-f]{16})")


def carried_key(path: Path) -> str | None:
    """The key near the start of a published file; None where there is no file or no key."""
    try:
        with path.open("rb") as stream:
            found = KEY.search(stream.read(4096))
    except FileNotFoundError:
        return None
    return found[1].decode() if found else None


def carried_nodes(path: Path) -> list[tuple[str, str]] | None:
    """Kind and key of the nodes behind a cell; None if the file is no cell."""
    try:
        return [(kind, key) for kind, key in json.loads(path.read_text())["nodes"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sync_keys(groups: dict[str, Group]) -> None:
    """Bring each group's key file in line with what is wanted and what is published.

    The key file is older than the published files when they show what is wanted, and newer when
    they do not: that, and nothing else, makes Snakemake publish again.  Published files to be
    replaced are made writable: those that DVC has linked to its cache are not, and Snakemake would
    refuse to replace them.
    """
    for group in groups.values():
        file = KEYS / f"{group.name}.key"
        if not file.exists() or file.read_text() != group.key:
            write_text(file, group.key)
        if all(carried_key(Path(path)) == group.key for path in group.paths):
            os.utime(file, (0, 0))
            continue
        if file.stat().st_mtime == 0:
            os.utime(file)
        for path in group.paths:
            _make_own(Path(path))


def _make_own(path: Path) -> None:
    """Have a file that is only to be read be one of its own, writable, with the same content."""
    if path.exists() and not path.stat().st_mode & stat.S_IWUSR:
        with replacing(path) as scratch:
            shutil.copyfile(path, scratch)

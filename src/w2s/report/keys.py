"""The key that a published file carries, and the nodes a cell names."""

from __future__ import annotations

import json
import re
from pathlib import Path

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

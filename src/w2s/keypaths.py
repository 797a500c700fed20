"""Paths of keys in nested blocks, as people write them."""

from __future__ import annotations

KeyPath = tuple[str | int, ...]


def written(path: KeyPath, data) -> KeyPath:
    """A path without the position 0 of a block that stands where a list may stand."""
    out = []
    for part in path:
        if part == 0 and isinstance(data, dict) and part not in data:
            continue
        out.append(part)
        data = data[part] if holds(data, (part,)) else None
    return tuple(out)


def spelled(path: KeyPath) -> str:
    """A key's path in words; positions in lists are counted from 0."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def holds(data, path: KeyPath) -> bool:
    """Whether there is something at a path."""
    for part in path:
        if (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        ):
            data = data[part]
        else:
            return False
    return True

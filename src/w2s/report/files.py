"""Published files: written whole or not at all, with the key of what they show near the start."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to; renamed onto it if the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*.tmp"):  # by a writer that was killed
        left.unlink(missing_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield scratch
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically, with the same line ends on every system."""
    with replacing(path) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, key: str, payload: dict) -> None:
    """Write `payload` with ``w2s-key`` as its first entry, on the first line.

    Raises ValueError for NaN and infinities, which JSON cannot hold.
    """
    text = json.dumps({"w2s-key": key, **payload}, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text.replace("{\n  ", "{", 1) + "\n")

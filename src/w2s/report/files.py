"""Published files: written whole or not at all, with the key of what they show near the start."""

from __future__ import annotations

import json
from pathlib import Path

from w2s.files import write_text


def write_json(path: Path, key: str, payload: dict) -> None:
    """Write `payload` with ``w2s-key`` as its first entry, on the first line.

    Raises ValueError for NaN and infinities, which JSON cannot hold.
    """
    text = json.dumps({"w2s-key": key, **payload}, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text.replace("{\n  ", "{", 1) + "\n")

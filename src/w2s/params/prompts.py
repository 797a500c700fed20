"""How many prompts a file gives, and which: known without reading it again while it stays."""

from __future__ import annotations

import json
from pathlib import Path

from w2s.conditions.prompt_files import format_of
from w2s.conditions.prompt_sets import read_prompts
from w2s.files import write_text
from w2s.params.fingerprint import fingerprint

CACHE = Path(".w2s/prompts.json")


def count_prompts(
    path: Path, kind: str | None = None, count: int | None = None, seed: int | None = None
) -> tuple[int, str]:
    """The number of prompts that `read_prompts` gives, and 32 hexadecimal digits of their hash.

    Reading 200,000 captions takes two seconds, and every job of a study plans it.  Raises
    UserError as `read_prompts` does.
    """
    name = f"{fingerprint(path)} {kind or format_of(path)} {count} {seed}"
    cache = json.loads(CACHE.read_text()) if CACHE.exists() else {}
    if name not in cache:
        used = read_prompts(path, kind, count, seed)
        cache[name] = [len(used.texts), used.sha256[:32]]
        write_text(CACHE, json.dumps(cache))
    number, digest = cache[name]
    return number, digest

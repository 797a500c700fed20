"""Pictures of rows whose samples are images of prompts."""

from __future__ import annotations

import json
from pathlib import Path

from w2s.conditions.prompt_sets import FILE
from w2s.plan.facts import RowFacts, TableFacts
from w2s.report.grid import sample_grid
from w2s.report.pictures import COLUMNS, COMPARED, first_seed, varied
from w2s.store import folders

LONGEST = 48  # characters of a prompt above its images


def draw_prompted(path: Path, key: str, table: TableFacts, rows: list[RowFacts]) -> None:
    """A grid with a line of images per row: the same prompts and noise in each column.

    Images are of the first seed, of as many prompts as can be, whose texts stand above them.
    """
    import numpy as np

    decoded = [folders.verified_or_set_aside("decoded", row.shown) for row in rows]
    prompts = first_seed(decoded[0])
    places = varied(prompts, COMPARED if len(rows) > 1 else COLUMNS)
    texts = json.loads((decoded[0] / FILE).read_text(encoding="utf-8"))
    lines = []
    for row, folder in zip(rows, decoded, strict=True):
        images = np.load(folder / "images.npy", mmap_mode="r")
        lines.append((row.label, np.stack([images[place] for place in places])))
    sample_grid(path, key, lines, [cut(texts[prompts[place]]) for place in places])


def cut(text: str) -> str:
    """A prompt as one short line; an ellipsis stands for what is left out."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"

"""Pictures of rows whose samples are images of prompts."""

from __future__ import annotations

import json
from pathlib import Path

from w2s.conditions.prompt_sets import FILE
from w2s.plan.facts import RowFacts, TableFacts
from w2s.report.comparison import comparison
from w2s.report.pictures import first_seed
from w2s.store import folders


def draw_prompted(path: Path, key: str, table: TableFacts, rows: list[RowFacts]) -> None:
    """Images of the first prompts, as many as the table shows: a line per row, a column per prompt.

    Each is the first image of its prompt under the first seed, so that a column shares its noise.
    """
    import numpy as np

    decoded = [folders.verified_or_set_aside("decoded", row.shown) for row in rows]
    prompts, places = np.unique(first_seed(decoded[0]), return_index=True)
    prompts, places = prompts[: table.prompts], places[: table.prompts]
    texts = json.loads((decoded[0] / FILE).read_text(encoding="utf-8"))
    lines = []
    for row, folder in zip(rows, decoded, strict=True):
        images = np.load(folder / "images.npy", mmap_mode="r")
        lines.append((row.label, np.stack([images[place] for place in places])))
    comparison(path, key, lines, [texts[prompt] for prompt in prompts])

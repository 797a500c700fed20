"""Pictures of rows whose samples are images: which of them are shown, and under which names."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from w2s.plan.facts import RowFacts, TableFacts
from w2s.report.grid import sample_grid
from w2s.store import folders

if TYPE_CHECKING:
    from numpy import ndarray

COLUMNS = 15  # pictures of a row alone
COMPARED = 8  # pictures per row of a table, beside what has changed in each
GAIN = 4  # by which changes are enlarged


def draw_pictures(path: Path, key: str, table: TableFacts, rows: list[RowFacts]) -> None:
    """A grid with a line of images per row: the same samples of the first seed in each column.

    Class names stand above them where every row was drawn with classes.  Real images share no
    samples with the others: they are chosen to be of the column's class.  Where the baseline is
    among several rows, each sample is shown a second time as its difference to the baseline's.
    """
    import numpy as np

    decoded = {row.name: folders.verified_or_set_aside("decoded", row.shown) for row in rows}
    labels = {name: first_seed(folder) for name, folder in decoded.items()}
    leader = next((row for row in rows if not row.real), rows[0])
    baseline = next((row for row in rows if row.name == table.baseline and len(rows) > 1), None)
    columns = labels[leader.name][varied(labels[leader.name], COMPARED if baseline else COLUMNS)]
    named = all(row.conditional for row in rows)
    index = folders.verified_or_set_aside("index", table.index)
    names = json.loads((index / "classes.json").read_text())
    names = [name.replace("-", " ").replace("_", " ") for name in names]  # may break into lines
    headings = [names[c] if named else "" for c in columns]

    shown = {}
    for row in rows:
        own = labels[row.name]
        apart = row.real and named
        places = of_classes(own, columns) if apart else varied(own, len(columns))
        images = np.load(decoded[row.name] / "images.npy", mmap_mode="r")
        white = np.full(images.shape[1:], 255, np.uint8)
        shown[row.name] = np.stack([white if p is None else images[p] for p in places])
    if baseline is None:
        lines = [(row.label, shown[row.name]) for row in rows]
        return sample_grid(path, key, lines, headings)
    plain, lines = shown[baseline.name], []
    for row in rows:
        same = row.real or row is baseline
        changes = np.full_like(plain, 255) if same else changed(shown[row.name], plain)
        lines.append((row.label, np.concatenate([shown[row.name], changes])))
    aside = len(headings), f"difference to '{baseline.label}', {GAIN} × around grey"
    return sample_grid(path, key, lines, headings * 2, aside)


def changed(images: ndarray, plain: ndarray) -> ndarray:
    """Differences of uint8 images of one shape, enlarged and laid around mid grey."""
    import numpy as np

    difference = images.astype(np.int64) - plain
    return np.clip(128 + GAIN * difference, 0, 255).astype(np.uint8)


def first_seed(decoded: Path) -> ndarray:
    """The labels of the first seed's samples, which come first."""
    import numpy as np

    seeds = np.load(decoded / "seeds.npy")
    return np.load(decoded / "labels.npy")[seeds == seeds[0]]


def varied(labels: ndarray, count: int) -> list[int]:
    """Positions of so many samples, of as many classes as can be, in order."""
    import numpy as np

    seen: Counter[int] = Counter()
    turns = []  # (how often the class came before, position)
    for position in np.random.default_rng(0).permutation(len(labels)):
        turns.append((seen[labels[position]], len(turns), int(position)))
        seen[labels[position]] += 1
    return sorted(position for _, _, position in sorted(turns)[:count])


def of_classes(labels: ndarray, wanted: ndarray) -> list[int | None]:
    """For each wanted class the position of an image of its own; None where there is none left."""
    left = {int(c): [int(p) for p in (labels == c).nonzero()[0]] for c in set(wanted.tolist())}
    return [left[int(c)].pop(0) if left[int(c)] else None for c in wanted]

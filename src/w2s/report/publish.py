"""`w2s publish GROUP`: cells, tables and figures, written from the store."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

from w2s.plan.published import Group
from w2s.report.curves import training_curves
from w2s.report.files import write_json
from w2s.report.grid import sample_grid
from w2s.report.rows import read_metrics, row_cells
from w2s.report.schedules import weight_schedules
from w2s.report.sweep import publish_sweep
from w2s.report.tables import write_table
from w2s.store import folders

COLUMNS = 15  # pictures per row of a sample grid


def publish(group: Group) -> None:
    """Write a group's files, each with the group's key in it."""
    kind = group.name.split("/")[0]
    publishers = {
        "cells": publish_cells,
        "table": publish_table,
        "figure": publish_curves,
        "sweep": publish_sweep,
    }
    publishers[kind](group)


def publish_cells(group: Group) -> None:
    """A row's cells, one file per column, and a picture of its first samples."""
    facts = group.facts
    cells = row_cells(group, facts["row"], facts["against"])
    for path in map(Path, group.paths):
        if path.suffix == ".json":
            write_json(path, group.key, cells[path.stem])
        else:
            sample_grid(
                path, group.key, [pictures(facts["row"])], picture_labels(group, [facts["row"]])
            )


def publish_table(group: Group) -> None:
    """A table as csv, md and tex, its sample grid, and the schedules of its methods."""
    facts, rows = group.facts, group.facts["rows"]
    against = next(row for row in rows if row["name"] == facts["baseline"])
    cells = [row_cells(group, row, against) for row in rows]
    columns = [c for c in facts["columns"] if any(c in row for row in cells)]
    for path in map(Path, group.paths):
        if path.name.endswith("-samples.png"):
            sample_grid(path, group.key, [pictures(r) for r in rows], picture_labels(group, rows))
        elif path.name.endswith("-schedules.png"):
            guided = [r for r in rows if r["guidance"] or r["trained"]] or rows[:1]
            weight_schedules(path, group.key, [schedule(row) for row in guided])
    tables = Path(group.paths[0]).parent
    write_table(tables, facts["table"], group.key, f"{facts['title']}.", columns, cells)


def publish_curves(group: Group) -> None:
    """The loss of every training run."""
    curves, branches = [], set()
    for key in group.needs:
        folder = folders.verified_or_set_aside("train", key)
        manifest = folders.read_manifest("train", key)
        curves.append((manifest["label"].removeprefix("train "), folder / "log.csv"))
        branches.add(manifest["spec"]["start"])
    training_curves(Path(group.paths[0]), group.key, curves, sorted(branches - {0}))


def pictures(row: dict) -> tuple[str, object]:
    """A row's label and some of its samples; every row shows the same seeds and classes."""
    import numpy as np

    folder = _measured_in(row)
    images = np.load(folder / "images.npy", mmap_mode="r")
    return row["label"], images[_shown(folder)]


def picture_labels(group: Group, rows: list[dict]) -> list[str]:
    """Class names above the pictures; none where a row's network was never told the class."""
    import numpy as np

    folder = _measured_in(rows[0])
    shown = _shown(folder)
    if not all(row["conditional"] for row in rows):
        return [""] * len(shown)
    index = folders.verified_or_set_aside("index", group.facts["index"])
    names = json.loads((index / "classes.json").read_text())
    names = [name.replace("-", " ").replace("_", " ") for name in names]  # may break into lines
    return [names[label] for label in np.load(folder / "labels.npy")[shown]]


def _measured_in(row: dict) -> Path:
    """The metrics of a row's first training seed."""
    return folders.verified_or_set_aside("metrics", row["metrics"][0])


def _shown(folder: Path) -> list[int]:
    """Positions of the samples that grids show: of the first seed, as many classes as can be."""
    import numpy as np

    labels = np.load(folder / "labels.npy")[: read_metrics(folder)["n"]]
    seen: Counter[int] = Counter()
    turns = []  # (how often the class came before, position)
    for position in np.random.default_rng(0).permutation(len(labels)):
        turns.append((seen[labels[position]], len(turns), int(position)))
        seen[labels[position]] += 1
    return sorted(position for _, _, position in sorted(turns)[:COLUMNS])


def schedule(row: dict) -> tuple[str, list[float], list[tuple[str | None, float | None]]]:
    """A row's label, its times and, for each step, its method and weight.

    A row that is sampled plainly shows the guidance trained into its network.
    """
    if row["trained"] and not row["guidance"]:
        windows = row["trained"]
        times = sorted({0.0, 1.0, *(w[end] for w in windows for end in ("low", "high"))})[::-1]
        middles = [(high + low) / 2 for high, low in pairwise(times)]
        acting = [next((w for w in windows if w["low"] <= t <= w["high"]), None) for t in middles]
        steps = [(w and w["method"], w and w["weight"]) for w in acting]
        return f"{row['label']}, trained\xa0in", times, steps
    steps = [(m and m["method"], m and m.get("weight")) for n, m in row["steps"] for _ in range(n)]
    return row["label"], row["times"], steps

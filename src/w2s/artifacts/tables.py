"""Published files as DVC records them: no file of an earlier study, and numbers without keys."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from w2s.files import write_json
from w2s.plan.published import Group

FOLDERS = tuple(Path("results") / name for name in ("cells", "tables", "figures"))
METRICS = Path("results/metrics")


def tidy(belonging: set[str]) -> list[str]:
    """Remove the published files that no longer belong to the study; returns their names."""
    gone = []
    for top in FOLDERS:
        for place, _, files in os.walk(top, topdown=False):
            folder = Path(place)
            for file in files:
                path = folder / file
                if path.as_posix() not in belonging:
                    path.unlink()
                    gone.append(path.as_posix())
            if folder != top and not any(folder.iterdir()):
                folder.rmdir()
    return sorted(gone)


def write_metrics(groups: Iterable[Group]) -> None:
    """Write results/metrics/<table>.json, {row: {column: value}}, from the published cells."""
    tables: dict[str, dict[str, dict[str, float]]] = {}
    for group in groups:
        kind, _, name = group.name.partition("/")
        if kind != "cells":
            continue
        table, _, row = name.rpartition("/")
        cells = (
            json.loads(Path(path).read_text()) for path in group.paths if path.endswith("json")
        )
        numbers = {cell["column"]: cell["value"] for cell in cells if cell["value"] is not None}
        tables.setdefault(table, {})[row] = numbers
    for table, rows in tables.items():
        write_json(METRICS / f"{table}.json", rows)
    for path in METRICS.glob("*.json"):
        if path.stem not in tables:
            path.unlink()

"""Rows of a group of published files, read from the store."""

from __future__ import annotations

import json
from pathlib import Path

from w2s.plan.published import Group
from w2s.report.cells import build_cell
from w2s.store import folders


def row_cells(group: Group, row: dict, against: dict) -> dict[str, dict]:
    """A row's cells by column; a column that this row cannot have is left out."""
    runs, baseline = measured(row), measured(against)
    facts = {k: v for k, v in group.facts.items() if k not in ("row", "rows", "against")} | {
        "key": group.key,
        "row": row["name"],
        "label": row["label"],
        "recipe": row["recipe"],
        "branching": row["branching"],
        "sampler": row["sampler"],
        "guidance": row["guidance"],
        "forwards": row["forwards"],
        "comparable": row["comparable"],
        "why": row["why"],
    }
    nodes = [["metrics", key] for key in row["metrics"]]
    other = None if row["name"] == against["name"] else baseline
    return {
        column: build_cell(facts | {"published": row["published"].get(column)}, column, runs, other)
        | {"nodes": nodes}
        for column in group.facts["columns"]
        if column == "forwards" or column in runs[0]["per_seed"]
    }


def measured(row: dict) -> list[dict]:
    """A row's metrics, one per training seed."""
    return [read_metrics(folders.verified_or_set_aside("metrics", key)) for key in row["metrics"]]


def read_metrics(folder: Path) -> dict:
    """What a metrics node measured."""
    return json.loads((folder / "metrics.json").read_text())

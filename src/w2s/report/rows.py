"""Rows of a group of published files, read from the store."""

from __future__ import annotations

import json

from w2s.plan.facts import RowFacts, TableFacts
from w2s.plan.published import Group
from w2s.report.cells import build_cell
from w2s.store import folders


def table_of(group: Group) -> TableFacts:
    """The table that a group is part of."""
    return TableFacts(**group.facts["table"])


def rows_of(group: Group) -> dict[str, RowFacts]:
    """A table's rows by name."""
    return {row["name"]: RowFacts(**row) for row in group.facts["rows"]}


def row_cells(group: Group, row: RowFacts, against: RowFacts) -> dict[str, dict]:
    """A row's cells by column; `against` is the table's baseline."""
    table, read = table_of(group), measured(row) | measured(against)
    cells = {}
    for column in table.columns:
        keys, baseline = row.measuring(column), against.measuring(column)
        runs = [read[key] for key in keys]
        other = None if row.name == against.name else [read[key] for key in baseline]
        nodes = [[folders.kind_of(key), key] for key in keys] or [["decoded", row.shown]]
        cell = build_cell(table, row, column, runs, other)
        cells[column] = cell | {"key": group.key, "nodes": nodes}
    return cells


def cell_of(table: TableFacts, row: RowFacts, column: str) -> dict:
    """One cell of a row, without its difference from the table's baseline."""
    read = measured(row)
    return build_cell(table, row, column, [read[key] for key in row.measuring(column)], None)


def measured(row: RowFacts) -> dict[str, dict]:
    """What each node that measured a row says, by its key."""
    keys = {key: folders.kind_of(key) for key in row.measured}
    nodes = {key: folders.verified_or_set_aside(kind, key) for key, kind in keys.items()}
    return {key: json.loads((node / "metrics.json").read_text()) for key, node in nodes.items()}

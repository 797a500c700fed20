"""The search for guidance: the values of a round, and the table and frontiers of all rounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from w2s.errors import UserError
from w2s.metrics.columns import Column
from w2s.plan.facts import RowFacts
from w2s.plan.published import Group
from w2s.report.columns import COLUMNS
from w2s.report.files import write_json
from w2s.report.pareto import pareto
from w2s.report.rows import cell_of, row_cells, rows_of, table_of
from w2s.report.sweep import point
from w2s.report.tables import write_table
from w2s.store import folders

UNGUIDED = "no guidance"


def publish_round(group: Group) -> None:
    """What every point of a round came to, from which the next one is planned.

    Raises UserError where the column that decides is not available.
    """
    table, rows, by = table_of(group), rows_of(group), group.facts["by"]
    _refuse_lacking(next(iter(rows.values())), by)
    cells = {name: cell_of(table, row, by) for name, row in rows.items()}

    def said(name: str, tried: list) -> dict:
        cell = {key: cells[name][key] for key in ("value", "interval", "covers")}
        return {"row": name, "label": rows[name].label, "point": tried, **cell}

    methods = {
        method: [said(name, tried) for name, tried in pairs]
        for method, pairs in group.facts["asked"].items()
    }
    nodes = {
        name: [[folders.kind_of(key), key] for key in row.measuring(by)]
        for name, row in rows.items()
    }
    for tried in methods.values():
        for one in tried:
            one["nodes"] = nodes[one["row"]]
    (path,) = map(Path, group.paths)
    heading = {"scale": table.scale, "round": group.facts["round"], "by": by}
    every = [node for one in nodes.values() for node in one]
    write_json(path, group.key, heading | {"methods": methods, "nodes": every})


def publish_tuned(group: Group) -> None:
    """A table of all that was tried, and of each method the frontier of two columns."""
    table, rows, by = table_of(group), rows_of(group), group.facts["by"]
    chosen = group.facts["chosen"]
    cells = {name: row_cells(group, row, rows[table.baseline]) for name, row in rows.items()}
    for one in chosen.values():
        for cell in cells[one["best"]].values():
            cell["label"] += " (chosen)"
    for picture in (path for path in map(Path, group.paths) if path.suffix == ".png"):
        column = picture.stem.removeprefix(f"{table.name}-")
        curves = {UNGUIDED: [table.baseline]} | {
            method: frontier(one["rows"], cells, column, by) for method, one in chosen.items()
        }
        drawn = {
            name: [point(0.0, cells[row][column], cells[row][by]) for row in on]
            for name, on in curves.items()
        }
        pareto(picture, group.key, drawn, COLUMNS[column].title, COLUMNS[by].title, weights=False)
    write_table(
        Path(group.paths[0]).parent,
        table.name,
        group.key,
        f"{table.title}. {_budget(chosen, COLUMNS[by])}",
        table.columns,
        list(cells.values()),
    )


def frontier(names: Sequence[str], cells: dict[str, dict], column: str, by: str) -> list[str]:
    """The rows that no other of these betters in one column without losing in the other.

    In the order of the first column; of rows that are equal in both the first.
    """

    def worth(name: str) -> tuple[float, float]:
        return tuple(
            cells[name][c]["value"] * (1 if COLUMNS[c].better == "lower" else -1)
            for c in (column, by)
        )

    kept: list[str] = []
    for name in sorted(names, key=worth):
        if not kept or worth(name)[1] < worth(kept[-1])[1]:
            kept.append(name)
    return kept


def _budget(chosen: dict[str, dict], column: Column) -> str:
    """How many evaluations each method had, what was chosen, and what is open."""
    counts = sorted({len(one["rows"]) for one in chosen.values()})
    each = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    extreme = {"lower": "lowest", "higher": "highest"}[column.better]
    said = (
        f"{each} evaluations of each method, its free values one after the other. Chosen: the "
        f"{extreme} {column.heading} of a method, whose number flatters it, because it was "
        "chosen by it."
    )
    ends = [f"{method} ({', '.join(one['open'])})" for method, one in chosen.items() if one["open"]]
    if ends:
        said += f" Nothing was tried on one side of the chosen value: {', '.join(ends)}."
    return said


def _refuse_lacking(row: RowFacts, by: str) -> None:
    if lacking := row.unavailable.get(by):
        raise UserError(
            f"the search decides by {by}, which needs {lacking}: put it there, or let tune.by "
            "name another column"
        )

"""The sweep of guidance weights: its table, the weights chosen from it, a curve per method."""

from __future__ import annotations

from pathlib import Path

from w2s.plan.published import Group
from w2s.report.choice import RULE, chosen
from w2s.report.columns import COLUMNS
from w2s.report.pareto import Point, pareto
from w2s.report.rows import row_cells, rows_of, table_of
from w2s.report.tables import write_table


def publish_sweep(group: Group) -> None:
    """A table of every weight that names the chosen ones, and FD against each other metric."""
    table, rows, methods = table_of(group), rows_of(group), group.facts["curves"]
    cells = {name: row_cells(group, row, rows[table.baseline]) for name, row in rows.items()}
    for tried in methods.values():
        choice = chosen({weight: cells[name]["fd"] for weight, name in tried})
        for cell in cells[dict(tried)[choice]].values():
            cell["label"] += " (chosen)"
    unguided = {"no guidance": [[1.0, table.baseline]]}
    for picture in (path for path in map(Path, group.paths) if path.suffix == ".png"):
        column = picture.stem.removeprefix(f"{table.name}-")
        curves = {
            name: [point(weight, cells[row][column], cells[row]["fd"]) for weight, row in tried]
            for name, tried in (unguided | methods).items()
        }
        pareto(picture, group.key, curves, COLUMNS[column].title, COLUMNS["fd"].title)
    write_table(
        Path(group.paths[0]).parent,
        table.name,
        group.key,
        f"{table.title}. {RULE}",
        table.columns,
        list(cells.values()),
    )


def point(weight: float, x: dict, y: dict) -> Point:
    """One weight's place in a picture of the cells y against x."""
    halves = [(cell["interval"][1] - cell["interval"][0]) / 2 for cell in (x, y)]
    return x["value"], halves[0], y["value"], halves[1], weight

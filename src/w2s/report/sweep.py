"""A sweep of guidance: its table, what is chosen from it, and pictures with a curve per method."""

from __future__ import annotations

from pathlib import Path

from w2s.errors import UserError
from w2s.plan.published import Group
from w2s.report.choice import chosen, rule
from w2s.report.columns import COLUMNS
from w2s.report.pareto import Point, pareto
from w2s.report.rows import row_cells, rows_of, table_of
from w2s.report.tables import write_table


def publish_sweep(group: Group) -> None:
    """A table of all that was tried, which names what is chosen, and each column against another.

    Raises UserError where the column that decides is not available.
    """
    table, rows, by = table_of(group), rows_of(group), group.facts["by"]
    if lacking := rows[table.baseline].unavailable.get(by):
        raise UserError(
            f"{table.name} is chosen by {by}, which needs {lacking}: put it there, or let sweep.by "
            "name another column"
        )
    cells = {name: row_cells(group, row, rows[table.baseline]) for name, row in rows.items()}
    curves: dict[str, list] = {}
    for entry in group.facts["curves"].values():
        tried = [one for curve in entry.values() for one in curve]
        place = chosen([(weight, cells[row][by]) for weight, row in tried], COLUMNS[by])
        for cell in cells[tried[place][1]].values():
            cell["label"] += " (chosen)"
        curves |= entry
    unguided = {"no guidance": [[1.0, table.baseline]]}
    for picture in (path for path in map(Path, group.paths) if path.suffix == ".png"):
        column = picture.stem.removeprefix(f"{table.name}-")
        drawn = {
            name: [point(weight, cells[row][column], cells[row][by]) for weight, row in tried]
            for name, tried in (unguided | curves).items()
        }
        pareto(picture, group.key, drawn, COLUMNS[column].title, COLUMNS[by].title)
    write_table(
        Path(group.paths[0]).parent,
        table.name,
        group.key,
        f"{table.title}. {rule(COLUMNS[by], rows[table.baseline].over)}",
        table.columns,
        list(cells.values()),
    )


def point(weight: float, x: dict, y: dict) -> Point:
    """One weight's place in a picture of the cells y against x."""
    halves = [(cell["interval"][1] - cell["interval"][0]) / 2 for cell in (x, y)]
    return x["value"], halves[0], y["value"], halves[1], weight

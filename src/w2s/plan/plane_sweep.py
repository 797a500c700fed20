"""The sweep of guidance weights on points: the part's own tables, with a row for every weight."""

from __future__ import annotations

from dataclasses import replace

from w2s.guidance.windows import Window
from w2s.params.parts import Part
from w2s.params.planes import PlaneRow, PlaneTable, Tried
from w2s.plan.plane_facts import plane_row_facts, plane_table_facts
from w2s.plan.published import Group
from w2s.plan.sweep import Curves, row_name, sweep_group

CHOSEN_BY = "energy"


def swept_points(part: Part) -> Part:
    """The part whose tables have a row for each weight that is tried, and those without guidance.

    Only tables with a row whose guidance is swept stay, each under another name.
    """
    params, sweep = part.params, part.params.sweep
    guidance = {
        row_name(name, weight): _weighted(params.guidance[name], weight)
        for name, weights in sweep.weights.items()
        for weight in weights
    }
    tables = {}
    for name, table in params.tables.items():
        rows = _rows(table, sweep.weights)
        if any(row.guidance for row in rows.values()):
            title = f"{table.title}: weights of guidance, on seeds that no other table uses"
            changes = {"title": title, "rows": rows, "columns": sweep.columns, "seeds": sweep.seeds}
            tables[f"weights-{name}"] = table.model_copy(update=changes)
    changed = {"tables": tables, "guidance": guidance}
    origins = {("tables", name): ("sweep", "weights") for name in tables}
    return replace(part, params=params.model_copy(update=changed), origins=origins)


def _weighted(windows: tuple[Window, ...], weight: Tried) -> tuple[Window, ...]:
    weights = weight if isinstance(weight, tuple) else (weight,) * len(windows)
    changed = zip(windows, weights, strict=True)
    return tuple(window.model_copy(update={"weight": own}) for window, own in changed)


def _rows(table: PlaneTable, weights: dict[str, tuple[Tried, ...]]) -> dict[str, PlaneRow]:
    """The rows without guidance, and every weight of the others that are swept."""
    rows = {}
    for name, row in table.rows.items():
        if row.guidance is None:
            rows[name] = row
        for weight in weights.get(row.guidance, ()):
            tried = row_name(row.guidance, weight)
            label = tried.replace("=", ", w = ").replace("+", " and ")
            changes = {"guidance": tried, "label": f"{row.model}, {label}"}
            rows[f"{row.model}.{tried}"] = row.model_copy(update=changes)
    return rows


def plane_sweep_group(part: Part, plan, table: str) -> Group:
    """What `snakemake weights` publishes of a table; `part` as `swept_points` gives it."""
    rows = [plane_row_facts(part, plan, table, name) for name in part.params.tables[table].rows]
    curves: dict[str, Curves] = {}  # by network and guidance: a curve of weights and their rows
    for row in rows:
        tried, weighted, weight = row.name.rpartition("=")
        if weighted:
            curve = curves.setdefault(tried, {tried: []})[tried]
            curve.append([[*map(float, weight.split("+"))], row.name])
    return sweep_group(plane_table_facts(part, plan, table), rows, CHOSEN_BY, curves)

"""`w2s publish GROUP`: cells, tables and figures, written from the store."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from w2s.plan.facts import RowFacts
from w2s.plan.published import Group
from w2s.report.claims import publish_claims
from w2s.report.curves import training_curves
from w2s.report.files import write_json
from w2s.report.guided_ways import guided_ways
from w2s.report.pictures import draw_pictures
from w2s.report.point_pictures import draw_points
from w2s.report.probes import read_probe
from w2s.report.prompt_pictures import draw_prompted
from w2s.report.rows import row_cells, rows_of, table_of
from w2s.report.schedules import weight_schedules
from w2s.report.stages import norms, stages
from w2s.report.sweep import publish_sweep
from w2s.report.tables import write_table
from w2s.report.tune import publish_round, publish_tuned
from w2s.report.velocity import optimal_velocity
from w2s.store import folders

DRAWERS = {
    "metrics": draw_pictures,
    "score": draw_prompted,
    "judge": draw_points,
}  # by the kind that measured a row: what draws such rows

FIGURES = {
    "velocity": optimal_velocity,
    "stages": stages,
    "norms": norms,
    "guidance": guided_ways,
}  # by what a figure of probes draws


def publish(group: Group) -> None:
    """Write a group's files, each with the group's key in it."""
    kind = group.name.split("/")[0]
    publishers = {
        "cells": publish_cells,
        "table": publish_table,
        "figure": publish_figure if "figure" in group.facts else publish_curves,
        "sweep": publish_sweep,
        "claims": publish_claims,
        "tune": publish_round,
        "tuned": publish_tuned,
    }
    publishers[kind](group)


def publish_cells(group: Group) -> None:
    """A row's cells, one file per column, and a picture of its first samples."""
    table, row = table_of(group), RowFacts(**group.facts["row"])
    cells = row_cells(group, row, RowFacts(**group.facts["against"]))
    for path in map(Path, group.paths):
        if path.suffix == ".json":
            write_json(path, group.key, cells[path.stem])
        else:
            DRAWERS[row.kind](path, group.key, table, [row])


def publish_table(group: Group) -> None:
    """A table as csv, md and tex, its samples drawn, and the schedules of its methods."""
    table, rows = table_of(group), rows_of(group)
    cells = [row_cells(group, row, rows[table.baseline]) for row in rows.values()]
    for path in map(Path, group.paths):
        if path.name.endswith("-samples.png"):
            DRAWERS[rows[table.baseline].kind](path, group.key, table, list(rows.values()))
        elif path.name.endswith("-schedules.png"):
            drawn = [row for row in rows.values() if not row.real]
            guided = [row for row in drawn if row.guidance or row.trained] or drawn[:1]
            weight_schedules(path, group.key, [schedule(row) for row in guided])
    folder = Path(group.paths[0]).parent
    write_table(folder, table.name, group.key, f"{table.title}.", table.columns, cells)


def publish_figure(group: Group) -> None:
    """A figure of probes."""
    figure, (path,) = group.facts["figure"], group.paths
    probes = [
        read_probe(folders.verified_or_set_aside("probe", facts["key"]), facts)
        for facts in group.facts["probes"]
    ]
    title = f"{figure['title']} Scale {figure['scale']}."
    FIGURES[figure["draws"]](Path(path), group.key, title, probes)


def publish_curves(group: Group) -> None:
    """The loss of every training run."""
    curves, branches = [], set()
    for key in group.needs:
        folder = folders.verified_or_set_aside("train", key)
        manifest = folders.read_manifest("train", key)
        curves.append((manifest["label"].removeprefix("train "), folder / "log.csv"))
        branches.add(manifest["spec"]["start"])
    training_curves(Path(group.paths[0]), group.key, curves, sorted(branches - {0}))


def schedule(row: RowFacts) -> tuple[str, list[float], list[tuple[str | None, float | None]]]:
    """A row's label, its times and, for each step, its method and weight.

    A row that is sampled plainly shows the guidance trained into its network.
    """
    if row.trained and not row.guidance:
        windows = row.trained
        times = sorted({0.0, 1.0, *(w[end] for w in windows for end in ("low", "high"))})[::-1]
        middles = [(high + low) / 2 for high, low in pairwise(times)]
        acting = [next((w for w in windows if w["low"] <= t <= w["high"]), None) for t in middles]
        steps = [(w and w["method"], w and w["weight"]) for w in acting]
        return f"{row.label}, trained\xa0in", times, steps
    steps = [(m and m["method"], m and m.get("weight")) for n, m in row.steps for _ in range(n)]
    return row.label, row.times, steps

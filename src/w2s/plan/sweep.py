"""The sweep of a part, as a part of its own: the same networks on other seeds.

It differs from the part itself in seeds, guidance and tables alone, so the two share every node up
to the weights of the networks.  One table has a row for every weight, another, if the sweep scans
layers, one for every set of skipped blocks and every weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace

from w2s.params.parts import Part
from w2s.params.sweep import skips
from w2s.plan.facts import RowFacts, TableFacts, table_facts
from w2s.plan.plan import Plan
from w2s.plan.published import Group

WEIGHTS, LAYERS = "weights", "layers"
TITLES = {
    WEIGHTS: "Weights of the guidance methods, on seeds that no other table uses",
    LAYERS: "Blocks that guidance skips, on seeds that no other table uses",
}
BASELINE = "none"
Curves = dict[str, list[list]]  # by the name of a curve: each value tried, and the row with it


def swept(part: Part) -> Part:
    """The part whose tables have a row for everything that the sweep tries."""
    params, sweep = part.params, part.params.sweep
    kinds = {WEIGHTS: _weights(params), LAYERS: _layers(params)}
    sets = {kind: tried for kind, tried in kinds.items() if tried}
    table = type(next(iter(params.tables.values())))
    tables = {
        part.own(kind): table.model_validate(
            {
                "title": TITLES[kind],
                "columns": sweep.columns,
                "baseline": BASELINE,
                "rows": {BASELINE: {"label": "no guidance", "model": sweep.model}}
                | {
                    name: {"label": name.replace("=", ", w = "), "guidance": name}
                    | {"model": sweep.model}
                    for name in tried
                },
            }
        )
        for kind, tried in sets.items()
    }
    guidance = {name: windows for tried in sets.values() for name, windows in tried.items()}
    drawn = params.sampling.model_copy(update=sweep.drawn())
    changes = {"tables": tables, "guidance": guidance, "sampling": drawn}
    changes["sweep"] = sweep.model_copy(update={"weights": sweep.tried(params.guidance)})
    origins = {("tables", part.own(kind)): ("sweep", kind) for kind in sets}
    return replace(part, params=params.model_copy(update=changes), origins=origins)


def row_name(guidance: str, weight: float | tuple[float, ...]) -> str:
    """The row of one weight, or of one for each window."""
    weights = weight if isinstance(weight, tuple) else (weight,)
    return f"{guidance}={'+'.join(f'{w:g}' for w in weights)}"


def layers_name(guidance: str, blocks: tuple[int, ...]) -> str:
    """The curve of one set of skipped blocks."""
    return f"{guidance}-without-{'+'.join(map(str, blocks))}"


def _weights(params) -> dict[str, tuple]:
    """Guidance by the row of the table of weights: each weight in all windows of its entry."""
    return {
        row_name(name, weight): tuple(
            window.model_copy(update={"weight": weight}) for window in params.guidance[name]
        )
        for name, weights in params.sweep.tried(params.guidance).items()
        for weight in weights
    }


def _layers(params) -> dict[str, tuple]:
    """Guidance by the row of the table of layers: blocks and weight in the windows that skip."""
    return {
        row_name(layers_name(name, blocks), weight): tuple(
            window.model_copy(update={"blocks": blocks, "weight": weight})
            if skips(window)
            else window
            for window in params.guidance[name]
        )
        for name, scan in params.sweep.layers.items()
        for blocks in scan.blocks
        for weight in scan.weights
    }


def _curves(sweep, kind: str) -> dict[str, Curves]:
    """By each entry that something is chosen for: its curves."""
    if kind == WEIGHTS:
        return {
            name: {name: [[weight, row_name(name, weight)] for weight in weights]}
            for name, weights in sweep.weights.items()
        }
    return {
        name: {
            curve: [[weight, row_name(curve, weight)] for weight in scan.weights]
            for curve in (layers_name(name, blocks) for blocks in scan.blocks)
        }
        for name, scan in sweep.layers.items()
    }


def plan_sweep_of(part: Part, sampled: Callable[[Part], Plan], row_facts: Callable) -> Plan:
    """The plan of a part's sweep with all that it rests on; empty where the part has none.

    sampled: gives the nodes of a part's rows; row_facts: the facts of a row.
    """
    if part.params.sweep is None:
        return Plan(part.scale)
    other = swept(part)
    planned = sampled(other)
    for kind in (WEIGHTS, LAYERS):
        if (table := part.own(kind)) in other.params.tables:
            group = _group(other, planned, table, _curves(other.params.sweep, kind), row_facts)
            planned.groups[group.name] = group
    return planned


def _group(part: Part, plan: Plan, name: str, curves: dict[str, Curves], row_facts) -> Group:
    """What `snakemake weights` or `snakemake layers` publishes; `part` as `swept` gives it."""
    table, by = part.params.tables[name], part.params.sweep.by
    rows = [row_facts(part, plan, name, row) for row in table.rows]
    pictures = [c for c in table.columns if c not in (by, "forwards")]
    return sweep_group(table_facts(part, plan, name), rows, by, curves, pictures)


def sweep_group(
    table: TableFacts,
    rows: Sequence[RowFacts],
    by: str,
    curves: dict[str, Curves],
    pictures: Iterable[str] = (),
) -> Group:
    """What is published of a table of all that is tried.

    by: the column that decides; pictures: the columns that are drawn against it.
    """
    return Group(
        name=f"sweep/{table.name}",
        paths=(
            *(f"results/tables/{table.name}.{end}" for end in ("csv", "md", "tex")),
            *(f"results/figures/{table.name}-{column}.png" for column in pictures),
        ),
        needs=tuple(dict.fromkeys(key for row in rows for key in row.measured)),
        facts={
            "table": asdict(table),
            "rows": [asdict(row) for row in rows],
            "by": by,
            "curves": curves,
        },
    )

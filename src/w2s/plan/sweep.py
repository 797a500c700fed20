"""The sweep of guidance weights, as a part of its own: the same networks on other seeds.

It differs from the part itself in seeds, guidance and tables alone, so the two share every node up
to the weights of the networks.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from w2s.params.parts import Part
from w2s.params.pictures import Row, Table
from w2s.plan.facts import row_facts, table_facts
from w2s.plan.published import Group

TABLE = "weights"
BASELINE = "none"


def swept(part: Part) -> Part:
    """The part whose one table has a row for every weight that the sweep tries."""
    params, sweep = part.params, part.params.sweep
    weights_of = sweep.tried(params.guidance)
    tried = {
        row_name(name, weight): tuple(
            window.model_copy(update={"weight": weight}) for window in params.guidance[name]
        )
        for name, weights in weights_of.items()
        for weight in weights
    }
    rows = {BASELINE: Row(label="no guidance", model=sweep.model)} | {
        name: Row(label=name.replace("=", ", w = "), model=sweep.model, guidance=name)
        for name in tried
    }
    title = "Weights of the guidance methods, on seeds that no other table uses"
    table = Table(title=title, columns=sweep.columns, baseline=BASELINE, rows=rows)
    drawn = params.sampling.model_copy(update={"seeds": sweep.seeds, "per_seed": sweep.per_seed})
    changes = {"tables": {part.own(TABLE): table}, "guidance": tried, "sampling": drawn}
    changes["sweep"] = sweep.model_copy(update={"weights": weights_of})
    return replace(part, params=params.model_copy(update=changes))


def row_name(guidance: str, weight: float) -> str:
    """The row of one weight."""
    return f"{guidance}={weight:g}"


def sweep_group(part: Part, plan) -> Group:
    """What `snakemake weights` publishes; `part` as `swept` gives it, with its plan."""
    params = part.params
    ((name, table),) = params.tables.items()
    rows = [row_facts(part, plan, name, row) for row in table.rows]
    pictures = [c for c in table.columns if c not in ("fd", "forwards")]
    return Group(
        name=f"sweep/{name}",
        paths=(
            *(f"results/tables/{name}.{end}" for end in ("csv", "md", "tex")),
            *(f"results/figures/{name}-{column}.png" for column in pictures),
        ),
        needs=tuple(key for row in rows for key in row.measured),
        facts={
            "table": asdict(table_facts(part, plan, name)),
            "rows": [asdict(row) for row in rows],
            "curves": {
                tried: [[weight, row_name(tried, weight)] for weight in weights]
                for tried, weights in params.sweep.weights.items()
            },
        },
    )

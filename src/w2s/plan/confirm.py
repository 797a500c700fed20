"""The confirmation of what was tuned, as parts of their own: the same rows on fresh seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from w2s.params.confirm import CONFIRM, RETRAINED, confirm_tables
from w2s.params.parts import Part
from w2s.plan.facts import table_facts
from w2s.plan.plan import Plan
from w2s.plan.published import groups
from w2s.plan.rows import Rows


def confirmed(part: Part) -> Iterator[Part]:
    """The part with each table of its confirmation alone, and the seeds that belong to it."""
    params = part.params
    tables = confirm_tables(params, part.own, part.adopted)
    for kind in (CONFIRM, RETRAINED):
        if (name := part.own(kind)) not in tables:
            continue
        changes = {
            "tables": {name: tables[name]},
            "sampling": params.sampling.model_copy(update={"seeds": params.confirm.seeds}),
        }
        if kind == RETRAINED:
            seeds = {"seeds": params.confirm.training_seeds}
            changes["training"] = params.training.model_copy(update=seeds)
        origins = {("tables", name): ("tune",)}
        yield replace(part, params=params.model_copy(update=changes), origins=origins)


def plan_confirm_of(part: Part, rows: Rows) -> Plan:
    """The plan of one part that `confirmed` gives: a table with its cells and pictures."""
    planned = rows.sampled(part)
    tables = groups(part, planned, table_facts, rows.facts)
    planned.groups.update({n: g for n, g in tables.items() if not n.startswith("figure/")})
    return planned

"""Published files: which there are, what they show, and the key each must carry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property

from w2s.plan.nodes import digest

VERSION = 7  # raise when cells, tables or figures come out differently for the same nodes


@dataclass(frozen=True)
class Group:
    """Files that one job publishes."""

    name: str  # kind/what: cells/guidance/cfg-2, table/guidance, figure/curves
    paths: tuple[str, ...]
    needs: tuple[str, ...]  # keys of the nodes they show
    facts: dict  # everything else they show

    @cached_property
    def key(self) -> str:
        return digest([self.name, VERSION, self.needs, self.facts])


def groups(part, plan, table_facts: Callable, row_facts: Callable) -> dict[str, Group]:
    """All groups of a part, by name.

    table_facts, row_facts: give the facts of a table, and of one of its rows.
    """
    out = {}

    def add(name, paths, needs, facts):
        out[name] = Group(name, tuple(paths), tuple(dict.fromkeys(needs)), facts)

    for table_name, table in part.params.tables.items():
        rows = {name: row_facts(part, plan, table_name, name) for name in table.rows}
        written = {name: asdict(row) for name, row in rows.items()}
        facts = table_facts(part, plan, table_name)
        heading = {"table": asdict(facts)}
        against = rows[table.baseline]
        for name, row in rows.items():
            add(
                f"cells/{table_name}/{name}",
                [f"results/cells/{table_name}/{name}/{c}.json" for c in table.columns]
                + [f"results/figures/{table_name}/{name}.png"],
                [*row.measured, row.shown, *against.measured, facts.index],
                heading | {"row": written[name], "against": written[against.name]},
            )
        add(
            f"table/{table_name}",
            [f"results/tables/{table_name}.{end}" for end in ("csv", "md", "tex")]
            + [f"results/figures/{table_name}-{what}.png" for what in ("samples", "schedules")],
            [*(k for row in rows.values() for k in (*row.measured, row.shown)), facts.index],
            heading | {"rows": list(written.values())},
        )
    if curves := {n.label: n.key for n in plan.nodes.values() if n.kind == "train"}:
        figure = f"results/figures/{part.own('training-curves')}.png"
        add(f"figure/{part.own('curves')}", [figure], curves.values(), {})
    return out

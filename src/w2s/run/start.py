"""What the Snakemake that drives does first: read the parameters, plan, freeze, renew key files."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from w2s.artifacts.recall import adopt_bundled
from w2s.errors import UserError
from w2s.params.load import load_study
from w2s.plan.chains import chained
from w2s.plan.plan import Plan
from w2s.plan.study import plan, plan_confirm, plan_sweep
from w2s.run.frozen import freeze
from w2s.run.started import Started, written
from w2s.run.tokens import drop_stale_tokens
from w2s.store.folders import present
from w2s.store.keys import sync_keys
from w2s.store.searches import planned_search


def start(params_file: Path, overrides: dict) -> Started:
    """Plan the study; a mistake in the parameters ends the process with one sentence and status 2.

    For the process that drives: it takes in what `dvc pull` has brought, drops stale tokens, renews
    the key files and freezes the plan.
    """
    try:
        study = load_study(params_file, overrides)
        sweep = plan_sweep(study)
        search, confirmation = planned_search(study), plan_confirm(study)
        own = plan(study)
        planned = own.joined(sweep).joined(search).joined(confirmation)
        refuse_absent_files(planned)
    except UserError as error:
        print(f"w2s: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    adopt_bundled(n for n in planned.nodes.values() if not present(n.kind, n.key))
    drop_stale_tokens(planned.nodes.values())
    sync_keys(planned.groups)
    tables = {name: table for part in study.parts for name, table in part.params.tables.items()}
    fresh = {
        group.facts["table"]["name"]: tuple(group.facts["table"]["columns"])
        for name, group in confirmation.groups.items()
        if name.startswith("table/")
    }
    rules = {
        "study": frozenset(own.nodes),
        "sweep": tuple(sweep.groups),
        "tune": tuple(search.groups),
        "confirm": tuple(confirmation.groups),
        "parts": planned.parts,
        "columns": {name: table.columns for name, table in tables.items()} | fresh,
        "resources": {key: planned.resources(key) for key in planned.nodes},
        "chained": chained(planned.nodes),
        "priority": priorities(planned, last=list(tables)[-1]),
    }
    frozen = freeze(planned, study.execution.model_dump(), written(**rules))
    return Started(str(frozen), planned.nodes, planned.groups, **rules)


def priorities(planned: Plan, last: str) -> dict[str, int]:
    """A higher number for what an earlier row needs, row by row through the tables of all parts.

    In the last table training leads, or its longest run would end alone, long after the others.
    """
    roots = []
    for table, sets in groupby(planned.sets.items(), lambda item: item[0][0]):
        keys = [key for _, sample_set in sets for key in sample_set.measured]
        if table == last:
            roots += [k for k in parents_first(planned, keys) if planned.nodes[k].kind == "train"]
        roots += keys
    order = parents_first(planned, [*roots, *planned.nodes])
    return {key: place for place, key in enumerate(reversed(order), 1)}


def parents_first(planned: Plan, keys: list[str]) -> list[str]:
    """These nodes in this order, each right after what it still needs."""
    order: dict[str, None] = {}

    def visit(key: str) -> None:
        if key not in order:
            for parents in planned.nodes[key].inputs.values():
                for parent in parents:
                    visit(parent)
            order[key] = None

    for key in keys:
        visit(key)
    return list(order)


def refuse_absent_files(planned) -> None:
    """Refuse to begin where a data folder or a weights file will be missed hours later.

    Raises:
        UserError: something given by path is not there, and no node has taken it in yet.
    """
    for node in planned.nodes.values():
        path = node.local.get("path")
        if path and not Path(path).exists() and not present(node.kind, node.key):
            raise UserError(
                f"{planned.scale}: {path}, which the {node.kind} is read from, does not exist; "
                "put it there or correct the path in the scale's file"
            )

"""What every start of Snakemake does: read the parameters, plan, freeze, renew the key files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from w2s.artifacts.recall import adopt_bundled
from w2s.errors import UserError
from w2s.params.load import load_study
from w2s.plan.chains import chained
from w2s.plan.nodes import Node
from w2s.plan.plan import Plan
from w2s.plan.published import Group
from w2s.plan.resources import Resources
from w2s.plan.study import plan, plan_sweep
from w2s.run.frozen import freeze
from w2s.run.tokens import drop_stale_tokens
from w2s.store.folders import present
from w2s.store.keys import sync_keys


@dataclass(frozen=True)
class Start:
    """What the rules need of a study's plan and its sweep's."""

    nodes: dict[str, Node]
    study: frozenset[str]  # nodes of the study itself, without its sweep
    absent: frozenset[str]  # nodes that are not in the store
    groups: dict[str, Group]
    sweep: tuple[str, ...]  # groups that are published only when asked for
    parts: dict[str, tuple[str, ...]]  # of each part, the groups that it publishes
    columns: dict[str, tuple[str, ...]]  # columns of each table
    frozen: str  # the plan as a file, for the jobs
    resources: Callable[[str], Resources]  # what the job of a node asks for
    chained: frozenset[str]  # nodes that run with their neighbours as one cluster job
    priority: dict[str, int]  # by node, from 1: what the first rows of the first table need leads


def start(params_file: Path, overrides: dict, sync: bool) -> Start:
    """Plan the study; a mistake in the parameters ends the process with one sentence and status 2.

    `sync` is for the main process alone: it takes in what `dvc pull` has
    brought, renews the key files and drops stale tokens.
    """
    try:
        study = load_study(params_file, overrides)
        sweep = plan_sweep(study)
        own = plan(study)
        planned = own.joined(sweep)
        refuse_absent_files(planned)
    except UserError as error:
        print(f"w2s: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    if sync:
        adopt_bundled(n for n in planned.nodes.values() if not present(n.kind, n.key))
        drop_stale_tokens(planned.nodes.values())
        sync_keys(planned.groups)
    tables = {name: table for part in study.parts for name, table in part.params.tables.items()}
    return Start(
        nodes=planned.nodes,
        study=frozenset(own.nodes),
        absent=frozenset(k for k, n in planned.nodes.items() if not present(n.kind, k)),
        groups=planned.groups,
        sweep=tuple(sweep.groups),
        parts=planned.parts,
        columns={name: table.columns for name, table in tables.items()},
        frozen=str(freeze(planned, study.execution.model_dump())),
        priority=priorities(planned, last=list(tables)[-1]),
        resources=cache(planned.resources),
        chained=chained(planned.nodes),
    )


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

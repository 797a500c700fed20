"""Builds nodes of a plan in this process, each from the parents it names."""

import importlib
from pathlib import Path

from w2s.job import Execution, Job
from w2s.plan.kinds import KINDS
from w2s.plan.plan import Plan


def built(planned: Plan, key: str, root: Path) -> Path:
    """The folder of a node, made with all that it rests on unless it is there."""
    node, out = planned.nodes[key], root / key
    if out.exists():
        return out
    parents = {role: [built(planned, k, root) for k in keys] for role, keys in node.inputs.items()}
    out.mkdir(parents=True)
    module, _, function = KINDS[node.kind].builder.partition(":")
    job = Job(
        kind=node.kind,
        key=key,
        spec=node.spec,
        out=out,
        parents=parents,
        local=node.local,
        execution=Execution(device="cpu", state=root / "state"),
    )
    getattr(importlib.import_module(module), function)(job)
    return out

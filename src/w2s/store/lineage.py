"""From a published number back to its raw data, and forgetting what made it."""

from __future__ import annotations

from pathlib import Path

from w2s.errors import UserError
from w2s.params.parts import Study
from w2s.plan.plan import Plan
from w2s.plan.published import Group
from w2s.plan.study import plan, plan_confirm, plan_sweep
from w2s.store import folders
from w2s.store.adopt import forget_manifest
from w2s.store.keys import carried_key, carried_nodes


def show(path: Path) -> str:
    """Every node behind a published file: label, spec, checksums and cost, the nearest first.

    Raises:
        UserError: the file carries no key, or a node behind it is absent or damaged.
    """
    nodes = carried_nodes(path)
    if nodes is None:
        raise UserError(f"{path} does not say what it shows; name a cell under results/cells/")
    lines = [f"{path} (key {carried_key(path)})"]
    seen: set[str] = set()
    todo = [(kind_key, 1) for kind_key in nodes]
    while todo:
        (kind, key), depth = todo.pop(0)
        if key in seen:
            continue
        seen.add(key)
        try:
            manifest = folders.read_manifest(kind, key)
        except folders.Damaged as damage:
            raise UserError(f"{damage}; `w2s doctor --store` sets it aside") from None
        lines += _describe(manifest, depth)
        todo = [
            *(
                ((folders.kind_of(p), p), depth + 1)
                for ps in manifest["parents"].values()
                for p in ps
            ),
            *todo,
        ]
    return "\n".join(lines)


def recompute(path: Path, study: Study) -> str:
    """Forget a published file, its group, and the nodes that nothing else in the study uses.

    Raises:
        UserError: the study does not publish the file.
    """
    planned = plan(study).joined(plan_sweep(study)).joined(plan_confirm(study))
    group = group_of(planned, path)
    nodes = [planned.nodes[key] for key in own_nodes(planned, group)]
    there = [node for node in nodes if folders.present(node.kind, node.key)]
    for node in reversed(there):  # children first, so that a kill leaves no child without parents
        forget_manifest(node.kind, node.key)
        folders.remove(node.kind, node.key)
    for file in group.paths:
        Path(file).unlink(missing_ok=True)
    names = ", ".join(f"{node.kind} {node.key}" for node in there) or "no nodes"
    return f"forgot {names} and {len(group.paths)} published files; now run: snakemake {path}"


def group_of(planned: Plan, path: Path) -> Group:
    """The group that publishes a file.

    Raises:
        UserError: no group does.
    """
    for group in planned.groups.values():
        if path.as_posix() in group.paths:
            return group
    raise UserError(f"this study does not publish {path}; `w2s plan` lists its tables")


def own_nodes(planned: Plan, group: Group) -> list[str]:
    """Sampling and metric nodes that this group's row needs and no other row does, in plan order.

    A table or a figure owns nothing; a trained network is never forgotten for one cell's sake.
    """
    parts = group.name.split("/")
    if parts[0] != "cells":
        return []
    mine: set[str] = set()
    others: set[str] = set()
    for (table, row, _), sample_set in planned.sets.items():
        nodes = _behind(planned, sample_set.measured)
        (mine if [table, row] == parts[1:] else others).update(nodes)
    return [key for key in planned.nodes if key in mine - others]


def _behind(planned: Plan, keys: tuple[str, ...]) -> set[str]:
    """Nodes that measure, the decoded samples they score, and the segments that lead to them."""
    found, todo = set(), list(keys)
    while todo:
        node = planned.nodes[todo.pop()]
        found.add(node.key)
        todo += [
            k
            for keys in node.inputs.values()
            for k in keys
            if planned.nodes[k].kind in ("decoded", "segment") and k not in found
        ]
    return found


def _describe(manifest: dict, depth: int) -> list[str]:
    pad = "  " * depth
    spec = ", ".join(f"{k}: {_short(v)}" for k, v in manifest["spec"].items())
    facts = ", ".join(f"{k}: {_short(v)}" for k, v in manifest["facts"].items())
    files = sorted(manifest["files"].items())
    sums = [f"{pad}  {told['sha256'][:16]}  {name}" for name, told in files[:8]]
    if len(files) > 8:
        sums.append(f"{pad}  and {len(files) - 8} more files")
    return [
        f"{pad}{manifest['kind']} {manifest['key']}  {manifest['label']}",
        f"{pad}  {spec}",
        f"{pad}  {manifest['seconds']:.1f} s on {_machine(manifest)}, from {manifest['start']}"
        + (f"; {facts}" if facts else ""),
        *sums,
    ]


def _machine(manifest: dict) -> str:
    hardware = manifest["hardware"]
    return hardware["gpu"] if hardware["gpu"] != "none" else f"{hardware['cpus']} CPUs"


def _short(value) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

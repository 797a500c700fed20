"""A plan on disk, named by its content: what jobs read, whatever params.yaml says by then."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path

from w2s.errors import UserError
from w2s.files import write_text
from w2s.plan.nodes import Node, canonical
from w2s.plan.published import Group

PLANS = Path(".w2s/plans")


def freeze(plan, execution: dict, rules: dict | None = None) -> Path:
    """Write a plan where jobs find it; returns the file.

    rules: what Snakemake's rules ask of it beside nodes and groups (w2s.run.started).
    """
    content = {
        "scale": plan.scale,
        "execution": execution,
        "nodes": {key: _fields(node) for key, node in plan.nodes.items()},
        "groups": {name: _fields(group) for name, group in plan.groups.items()},
        "rules": rules or {},
    }
    text = canonical(content)
    path = PLANS / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not path.exists():
        write_text(path, text)
    return path


class FrozenPlan:
    """The plan a job was started under."""

    def __init__(self, path: Path):
        try:
            content = json.loads(Path(path).read_text())
        except OSError as error:
            raise UserError(
                f"{path}: no such plan ({error.strerror}); run snakemake again"
            ) from None
        self.scale: str = content["scale"]
        self.execution: dict = content["execution"]
        self.rules: dict = content["rules"]
        self._nodes, self._groups = content["nodes"], content["groups"]

    def nodes(self) -> dict[str, Node]:
        """All nodes by key."""
        return {key: self.node(key) for key in self._nodes}

    def groups(self) -> dict[str, Group]:
        """All groups of published files by name."""
        return {name: self.group(name) for name in self._groups}

    def node(self, key: str) -> Node:
        """The node with this key.

        Raises:
            UserError: the plan has no such node.
        """
        if key not in self._nodes:
            raise UserError(f"the plan has no node {key}; `w2s plan --nodes` lists them")
        return _node(self._nodes[key])

    def group(self, name: str) -> Group:
        """The published files with this name.

        Raises:
            UserError: the plan has no such group.
        """
        if name not in self._groups:
            raise UserError(f"the plan publishes no {name}; it has {', '.join(self._groups)}")
        return Group(**_tuples(self._groups[name], "paths", "needs"))


def _fields(record) -> dict:
    """A dataclass's fields as they are; `asdict` would copy each to its depths."""
    return {f.name: getattr(record, f.name) for f in fields(record)}


def _node(data: dict) -> Node:
    roles = {
        field: {role: tuple(keys) for role, keys in data[field].items()}
        for field in ("parents", "helpers")
    }
    return Node(**data | roles)


def _tuples(data: dict, *fields: str) -> dict:
    return data | {field: tuple(data[field]) for field in fields}

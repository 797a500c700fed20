"""A plan on disk, named by its content: what jobs read, whatever params.yaml says by then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
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
    study = {"scale": plan.scale, "execution": execution}
    entries = [
        ("study", "", study),
        ("rules", "", rules or {}),
        *(("node", key, _fields(node)) for key, node in plan.nodes.items()),
        *(("group", name, _fields(group)) for name, group in plan.groups.items()),
    ]
    text = "".join(f"{canonical(entry)}\n" for entry in entries)
    path = PLANS / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.jsonl"
    if not path.exists():
        write_text(path, text)
    return path


class FrozenPlan:
    """The plan a job was started under: a line per node and group, of which a job reads its own."""

    def __init__(self, path: Path):
        try:
            self._lines = "\n" + Path(path).read_text()
        except OSError as error:
            raise UserError(
                f"{path}: no such plan ({error.strerror}); run snakemake again"
            ) from None
        study = self._entry("study", "")
        self.scale: str = study["scale"]
        self.execution: dict = study["execution"]

    @property
    def rules(self) -> dict:
        """What was frozen for Snakemake's rules."""
        return self._entry("rules", "")

    def nodes(self) -> dict[str, Node]:
        """All nodes by key."""
        return {key: _node(data) for key, data in self._all("node")}

    def groups(self) -> dict[str, Group]:
        """All groups of published files by name."""
        return {name: _group(data) for name, data in self._all("group")}

    def node(self, key: str) -> Node:
        """The node with this key.

        Raises:
            UserError: the plan has no such node.
        """
        data = self._entry("node", key)
        if data is None:
            raise UserError(f"the plan has no node {key}; `w2s plan --nodes` lists them")
        return _node(data)

    def group(self, name: str) -> Group:
        """The published files with this name.

        Raises:
            UserError: the plan has no such group.
        """
        data = self._entry("group", name)
        if data is None:
            there = ", ".join(name for name, _ in self._all("group"))
            raise UserError(f"the plan publishes no {name}; it has {there}")
        return _group(data)

    def _entry(self, what: str, name: str) -> dict | None:
        begin = self._lines.find(f"\n{canonical([what, name])[:-1]},")
        if begin < 0:
            return None
        return json.loads(self._lines[begin + 1 : self._lines.index("\n", begin + 1)])[2]

    def _all(self, what: str) -> Iterator[tuple[str, dict]]:
        begin = canonical([what])[:-1]
        for line in self._lines.splitlines():
            if line.startswith(begin):
                yield tuple(json.loads(line)[1:])


def _fields(record) -> dict:
    """A dataclass's fields as they are; `asdict` would copy each to its depths."""
    return {f.name: getattr(record, f.name) for f in fields(record)}


def _node(data: dict) -> Node:
    roles = {
        field: {role: tuple(keys) for role, keys in data[field].items()}
        for field in ("parents", "helpers")
    }
    return Node(**data | roles)


def _group(data: dict) -> Group:
    return Group(**data | {field: tuple(data[field]) for field in ("paths", "needs")})

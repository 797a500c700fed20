"""A node of the plan: one unit of work, named by everything its result depends on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property

from w2s.plan.kinds import KINDS


def canonical(value) -> str:
    """The one JSON text of a value: sorted keys, no spaces, integral floats as floats."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a value's canonical text."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Node:
    """What to build (`kind`, `spec`), from what (`parents`), and with which help.

    The key covers kind, version, spec and parents.  `helpers` are nodes that are read too but do
    not decide the result: the earlier part of a trajectory, which saves work.  `local` says where
    things lie on this machine.
    """

    kind: str
    spec: dict
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    helpers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    local: dict = field(default_factory=dict)
    label: str = ""  # what a person calls it: "train sgg"

    @cached_property
    def key(self) -> str:
        version = KINDS[self.kind].version
        return digest(
            [self.kind, version, self.spec, {r: list(p) for r, p in self.parents.items()}]
        )

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        """All nodes that must be there before this one is built, by role."""
        return self.parents | self.helpers

"""What a study consists of: nodes, published files, and the samples of every row."""

from __future__ import annotations

from dataclasses import dataclass, field

from w2s.plan.drawing import SampleSet
from w2s.plan.job_resources import Resources
from w2s.plan.nodes import Node
from w2s.plan.published import Group
from w2s.plan.resources import Budget


@dataclass
class Plan:
    """All nodes by key, parents before children; all published files; every row's samples."""

    scale: str
    nodes: dict[str, Node] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    sets: dict[tuple[str, str, int], SampleSet] = field(default_factory=dict)  # table, row, seed
    budgets: dict[str, Budget] = field(default_factory=dict)  # what prices each node
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # names of each one's groups
    index: str = ""  # key of a part's image index or prompts, which name the conditions

    def add(self, node: Node) -> str:
        """Take a node in, once; returns its key."""
        self.nodes.setdefault(node.key, node)
        return node.key

    def resources(self, key: str) -> Resources:
        """What the job of a node asks of a machine."""
        return self.budgets[key].of(self.nodes[key])

    def joined(self, other: Plan) -> Plan:
        """Both plans as one; what they have in common is there once."""
        new = {key: node for key, node in other.nodes.items() if key not in self.nodes}
        return Plan(
            self.scale,
            self.nodes | new,  # whose parents and helpers are before them, here or there
            self.groups | other.groups,
            self.sets | other.sets,
            other.budgets | self.budgets,
            self.parts | other.parts,
        )

"""A Snakemake profile, as far as it says where jobs run and what is added to what they ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from w2s.errors import UserError
from w2s.params.files import read_yaml
from w2s.plan.kinds import KINDS
from w2s.plan.nodes import Node

RULES = {"segment": "sample"}  # rules that are not called like the verb that they run


@dataclass(frozen=True)
class Profile:
    """What the doctor reads in a profile."""

    place: str  # the file, for people
    executor: str | None = None
    keys: Mapping = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Profile:
        """The profile in a folder.

        Raises:
            UserError: there is none, or its resources cannot be read.
        """
        file = folder / "config.yaml"
        if not file.exists():
            raise UserError(f"--profile {folder}: there is no {file}; give a profile's folder")
        keys = read_yaml(file)
        profile = cls(str(file), keys.get("executor"), keys)
        profile.resources("train")  # refused before anything else is looked at
        return profile

    def own(self, rule: str) -> dict:
        """What the profile puts in the place of what a rule asks for itself."""
        return self._pairs("set-resources", self._block("set-resources").get(rule) or {})

    def resources(self, rule: str) -> dict:
        """The same, and what it says for all rules."""
        return self._block("default-resources") | self.own(rule)

    def partitions(self) -> set[str]:
        """Every partition that the profile names."""
        rules = ["", *self._block("set-resources")]
        found = {self.resources(rule).get("slurm_partition") for rule in rules}
        return {str(name) for name in found if name}

    def _block(self, name: str) -> dict:
        return self._pairs(name, self.keys.get(name) or {})

    def _pairs(self, name: str, block) -> dict:
        """A block of keys and values, which Snakemake also takes as a list of key=value."""
        if isinstance(block, list) and all("=" in str(line) for line in block):
            return dict(str(line).split("=", 1) for line in block)
        if not isinstance(block, dict):
            raise UserError(f"{self.place}: {name}: must hold keys and values")
        return block


def rule_of(node: Node) -> str:
    """The rule that builds a node."""
    verb = KINDS[node.kind].verb
    return RULES.get(verb, verb)

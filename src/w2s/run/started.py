"""What Snakemake's rules know of the study: of its frozen plan, and of the store.

The process that drives plans, and freezes the plan.  Every Snakemake that it starts for a job, on
this machine or on another, reads that file: what a job does was settled when the driver began,
whatever params.yaml says when the job's turn comes, and no job plans the study again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from w2s.plan.job_resources import Resources
from w2s.plan.nodes import Node
from w2s.plan.published import Group
from w2s.run.frozen import FrozenPlan
from w2s.store.folders import present

FROZEN = "W2S_PLAN"  # environment variable with the frozen plan's path


@dataclass(frozen=True)
class Started:
    """What the rules need of a study's plan and of those beside it."""

    frozen: str  # the plan as a file, for the jobs
    nodes: dict[str, Node]
    groups: dict[str, Group]
    study: frozenset[str]  # nodes of the study itself, of none beside it
    sweep: tuple[str, ...]  # groups that are published only when asked for
    tune: tuple[str, ...]  # the same of the search
    confirm: tuple[str, ...]  # and of the confirmation
    parts: dict[str, tuple[str, ...]]  # of each part, the groups that it publishes
    columns: dict[str, tuple[str, ...]]  # columns of each table
    resources: dict[str, Resources]  # what the job of a node asks for
    chained: frozenset[str]  # nodes that run with their neighbours as one cluster job
    priority: dict[str, int]  # by node, from 1: what the first rows of the first table need leads

    @classmethod
    def read(cls, frozen: str) -> Started:
        """As the process that drives has frozen it.

        Raises:
            UserError: there is no such file.
        """
        plan = FrozenPlan(Path(frozen))
        rules = plan.rules
        return cls(
            frozen=frozen,
            nodes=plan.nodes(),
            groups=plan.groups(),
            study=frozenset(rules["study"]),
            sweep=tuple(rules["sweep"]),
            tune=tuple(rules["tune"]),
            confirm=tuple(rules["confirm"]),
            parts={name: tuple(groups) for name, groups in rules["parts"].items()},
            columns={name: tuple(columns) for name, columns in rules["columns"].items()},
            resources={key: Resources(**asked) for key, asked in rules["resources"].items()},
            chained=frozenset(rules["chained"]),
            priority=rules["priority"],
        )

    @cached_property
    def absent(self) -> frozenset[str]:
        """Nodes that are not in the store."""
        return frozenset(k for k, n in self.nodes.items() if not present(n.kind, k))


def written(
    study, sweep, tune, confirm, parts: dict, columns: dict, resources: dict, chained, priority
) -> dict:
    """What `Started.read` finds under `rules`."""
    return {
        "study": sorted(study),
        "sweep": list(sweep),
        "tune": list(tune),
        "confirm": list(confirm),
        "parts": parts,
        "columns": columns,
        "resources": {key: asdict(asked) for key, asked in resources.items()},
        "chained": sorted(chained),
        "priority": priority,
    }

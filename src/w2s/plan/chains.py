"""Which nodes of a plan run as one cluster job, and what starting the jobs costs.

A job of a cluster queues, starts Snakemake twice and imports torch before it works.  So what ends
a row (the last segment of its trajectory, decoding, metrics, scores or a judge) is one job: each
of these waits for nothing but the one before it and for what is there long before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from w2s.plan.nodes import Node
from w2s.plan.plan import Plan

# Kinds of which each is one row's.
ENDS = frozenset(("decoded", "converted", "metrics", "score", "judge"))
START = 0.5  # minutes from a job's start to its work, and from the work's end to the job's


@dataclass(frozen=True)
class ClusterJobs:
    """What some nodes are to a cluster."""

    count: int  # jobs that are submitted
    minutes: float  # of work in all of them

    @property
    def overhead(self) -> float:
        """The share of the jobs' time that goes to starting them; 0 where there are none."""
        starting = START * self.count
        return starting / (starting + self.minutes) if self.count else 0.0


def chained(nodes: dict[str, Node]) -> frozenset[str]:
    """Keys of the nodes that join their neighbours' job.

    A last segment joins where it is the whole last piece of one row: shards run side by side, and
    a state that several rows go on from must not tie them together.
    """
    readers: dict[str, list[Node]] = {}
    for node in nodes.values():
        for keys in node.inputs.values():
            for key in keys:
                readers.setdefault(key, []).append(node)
    ends = {key for key, node in nodes.items() if node.kind in ENDS}
    lasts = {
        key
        for key, node in nodes.items()
        if node.kind == "segment"
        and node.spec["of"] == 1
        and {reader.key for reader in readers.get(key, ())} <= ends
        and len(readers.get(key, ())) == 1
    }
    return frozenset(ends | lasts)


def cluster_jobs(planned: Plan, todo: Iterable[Node]) -> ClusterJobs:
    """The jobs that these nodes of a plan are, when each chain is one."""
    nodes = {node.key: node for node in todo}
    together = chained(planned.nodes)
    chains = {key: key for key in nodes}  # a node of the same job; its own where it is the first

    def first(key: str) -> str:
        while chains[key] != key:
            key = chains[key]
        return key

    for key, node in nodes.items():
        for parents in node.inputs.values():
            for parent in parents:
                if parent in nodes and {key, parent} <= together:
                    chains[first(key)] = first(parent)
    count = len({first(key) for key in nodes})
    return ClusterJobs(count, sum(planned.budgets[key].seconds(nodes[key]) for key in nodes) / 60)

"""How much work some nodes of a plan are, and how long they take at least on a number of GPUs.

No schedule on N GPUs is shorter than the longest chain of nodes that wait for each other, nor than
all GPU work over N: the lower bound on the makespan that list scheduling is measured against
(Graham, "Bounds on Multiprocessing Timing Anomalies", SIAM J. Appl. Math. 17, 1969).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from w2s.plan.nodes import Node
from w2s.plan.plan import Plan


@dataclass(frozen=True)
class Work:
    """Estimates for some nodes together; starting, queueing and copying are not counted."""

    gpu_hours: float  # of every GPU that a job asks for
    cpu_hours: float  # of jobs that ask for none
    path: tuple[str, ...]  # keys on the critical path, parents first
    path_hours: float
    bytes: float

    def least_hours(self, gpus: int) -> float:
        """Wall time that no schedule on this many GPUs can fall short of."""
        return max(self.path_hours, self.gpu_hours / gpus)


def work_of(planned: Plan, keys: Iterable[str]) -> Work:
    """The work of these nodes; those that they rest on besides count as done."""
    hours, gpu, cpu, space = {}, 0.0, 0.0, 0.0
    for key in keys:
        budget, node = planned.budgets[key], planned.nodes[key]
        hours[key] = budget.seconds(node) / 3600
        gpus = budget.gpus(node)
        gpu += hours[key] * gpus
        cpu += 0 if gpus else hours[key]
        space += budget.estimator.of(node).bytes
    length, path = critical_path(planned.nodes, hours)
    return Work(gpu, cpu, path, length, space)


def critical_path(
    nodes: Mapping[str, Node], hours: Mapping[str, float]
) -> tuple[float, tuple[str, ...]]:
    """Length and keys of the longest chain, parents first, among the nodes that hours are given of.

    nodes: parents before children.  Of chains of equal length the one planned first.
    """
    ends: dict[str, tuple[float, str | None]] = {}  # when a node ends at the earliest, after whom
    for key, node in nodes.items():
        if key in hours:
            before = [k for keys in node.inputs.values() for k in keys if k in ends]
            last = max(before, key=lambda k: ends[k][0], default=None)
            ends[key] = (ends[last][0] if last else 0.0) + hours[key], last
    if not ends:
        return 0.0, ()
    end = max(ends, key=lambda k: ends[k][0])
    path = [end]
    while (earlier := ends[path[-1]][1]) is not None:
        path.append(earlier)
    return ends[end][0], tuple(reversed(path))

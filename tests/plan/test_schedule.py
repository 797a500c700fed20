"""Work, critical path and the bound on wall time, of graphs whose answers are known."""

from dataclasses import dataclass, field

import pytest

from w2s.plan.estimate import Estimate
from w2s.plan.nodes import Node
from w2s.plan.plan import Plan
from w2s.plan.schedule import critical_path, work_of


@dataclass
class Priced:
    """A budget and an estimator that know hours, GPUs and bytes by label."""

    hours: dict[str, float]
    on_gpus: dict[str, int] = field(default_factory=dict)

    def seconds(self, node):
        return 3600 * self.hours[node.label]

    def gpus(self, node):
        return self.on_gpus.get(node.label, 1)

    @property
    def estimator(self):
        return self

    def of(self, node):
        return Estimate(bytes=10.0)


def graph(hours, edges, on_gpus=()):
    """A plan with a node per label, in the order of `hours`; edges: child -> labels of parents."""
    planned, keys = Plan("test"), {}
    budget = Priced(hours, dict(on_gpus))
    for number, label in enumerate(hours):
        parents = {"a": tuple(keys[parent] for parent in edges.get(label, ""))}
        keys[label] = planned.add(Node("images", {"number": number}, parents, label=label))
        planned.budgets[keys[label]] = budget
    return planned, keys


def labels(planned, path):
    return "".join(planned.nodes[key].label for key in path)


DIAMOND = {"a": 1.0, "b": 2.0, "c": 5.0, "d": 3.0}
EDGES = {"b": "a", "c": "a", "d": "bc"}


def test_a_diamonds_critical_path_goes_by_its_longer_side():
    planned, _ = graph(DIAMOND, EDGES)
    work = work_of(planned, planned.nodes)
    assert labels(planned, work.path) == "acd"
    assert work.path_hours == 9
    assert (work.gpu_hours, work.cpu_hours, work.bytes) == (11, 0, 40)


@pytest.mark.parametrize(("gpus", "hours"), [(1, 11), (2, 9), (1000, 9)])
def test_the_bound_is_the_larger_of_path_and_shared_work(gpus, hours):
    planned, _ = graph(DIAMOND, EDGES)
    assert work_of(planned, planned.nodes).least_hours(gpus) == hours


def test_independent_jobs_are_bounded_by_work_over_gpus():
    planned, _ = graph(dict.fromkeys("abcdef", 2.0), {})
    work = work_of(planned, planned.nodes)
    assert [work.least_hours(n) for n in (1, 2, 3, 4, 6, 12)] == [12, 6, 4, 3, 2, 2]


def test_what_is_done_counts_for_nothing():
    planned, keys = graph(DIAMOND, EDGES)
    work = work_of(planned, [keys["b"], keys["d"]])
    assert (labels(planned, work.path), work.path_hours, work.gpu_hours) == ("bd", 5, 5)
    assert work_of(planned, []).least_hours(3) == 0


def test_a_job_counts_for_each_gpu_that_it_asks_for_and_without_one_on_the_path_alone():
    planned, _ = graph(DIAMOND, EDGES, {"c": 4, "a": 0})
    work = work_of(planned, planned.nodes)
    assert (work.gpu_hours, work.cpu_hours, work.path_hours) == (2 + 4 * 5 + 3, 1, 9)
    assert work.least_hours(2) == 12.5


def test_helpers_are_waited_for_like_parents():
    first = Node("images", {"number": 1})
    second = Node("images", {"number": 2}, helpers={"from": (first.key,)})
    nodes = {node.key: node for node in (first, second)}
    assert critical_path(nodes, {first.key: 2.0, second.key: 3.0}) == (5.0, tuple(nodes))


def test_a_chain_broken_by_a_finished_node_is_two_chains():
    planned, keys = graph(dict.fromkeys("abc", 4.0), {"b": "a", "c": "b"})
    hours = {keys["a"]: 4.0, keys["c"]: 4.0}
    assert critical_path(planned.nodes, hours)[0] == 4.0

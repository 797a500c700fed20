"""The plan: from checked parameters to nodes and published files.  Pure, and without torch."""

from __future__ import annotations

from w2s.params.load import Params
from w2s.plan.plan import Plan
from w2s.plan.planner import Planner
from w2s.plan.published import groups
from w2s.plan.samples import add_sample_sets
from w2s.plan.sweep import sweep_group, swept


def plan(params: Params) -> Plan:
    """Everything the study consists of."""
    planned = _sampled(params)
    planned.groups.update(groups(params, planned))
    return planned


def plan_sweep(params: Params) -> Plan:
    """The sweep of guidance weights with all that it rests on; empty where the study has none."""
    if params.study.sweep is None:
        return Plan(params.scale)
    other = swept(params)
    planned = _sampled(other)
    group = sweep_group(other, planned)
    planned.groups[group.name] = group
    return planned


def _sampled(params: Params) -> Plan:
    """All nodes up to the metrics of every row."""
    planner = Planner(params)
    (planner.plan.index,) = planner.pictures.images["index"]
    planner.plan.sets.update(add_sample_sets(planner))
    return planner.plan

"""The plan of a part with class-conditional pictures, and of its sweep of weights."""

from __future__ import annotations

from w2s.params.parts import Part
from w2s.plan.estimate import Estimator
from w2s.plan.plan import Plan
from w2s.plan.planner import Planner
from w2s.plan.published import groups
from w2s.plan.samples import add_sample_sets
from w2s.plan.sweep import sweep_group, swept


def plan_pictures(part: Part) -> Plan:
    """Everything the part consists of."""
    planned = _sampled(part)
    planned.groups.update(groups(part, planned))
    return planned


def plan_pictures_sweep(part: Part) -> Plan:
    """The sweep of guidance weights with all that it rests on; empty where the part has none."""
    if part.params.sweep is None:
        return Plan(part.scale)
    other = swept(part)
    planned = _sampled(other)
    group = sweep_group(other, planned)
    planned.groups[group.name] = group
    return planned


def estimate_sweep(part: Part, planned: Plan) -> Estimator:
    """Estimates for the nodes of the sweep's plan, which draws other counts than the tables."""
    return Estimator(swept(part), planned)


def _sampled(part: Part) -> Plan:
    """All nodes up to the metrics of every row."""
    planner = Planner(part)
    (planner.plan.index,) = planner.pictures.images["index"]
    planner.plan.sets.update(add_sample_sets(planner))
    return planner.plan

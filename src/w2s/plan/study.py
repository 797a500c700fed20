"""The plan: from a checked study to nodes and published files.  Pure, and without torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from w2s.params.parts import Part, Study
from w2s.plan.claims import with_claims
from w2s.plan.confirm import confirmed, plan_confirm_of
from w2s.plan.estimate import Estimator
from w2s.plan.picture_part import (
    PICTURE_ROWS,
    estimate_sweep,
    picture_networks,
    plan_pictures,
    plan_pictures_sweep,
)
from w2s.plan.plan import Plan
from w2s.plan.plane_cost import PlaneBudget, PlaneEstimator, estimate_points_sweep
from w2s.plan.plane_part import plan_planes, plan_planes_sweep, plane_networks
from w2s.plan.resources import Budget
from w2s.plan.rows import Rows
from w2s.plan.text_cost import TextBudget, TextEstimator
from w2s.plan.text_part import (
    TEXT_ROWS,
    estimate_text_sweep,
    plan_text,
    plan_text_sweep,
    text_networks,
)
from w2s.plan.tune import Search, plan_tune_of, trials


@dataclass(frozen=True)
class PartPlanner:
    """How one kind of part is planned and priced."""

    plan: Callable[[Part], Plan]
    plan_sweep: Callable[[Part], Plan]  # empty where the part has no sweep
    networks: Callable[[Part], list[dict]]  # configurations of those that entries of models name
    estimate: Callable[[Part, Plan], Estimator]  # given the part's plan
    estimate_sweep: Callable[[Part, Plan], Estimator]  # given the plan of its sweep
    budget: type[Budget] = Budget  # resources of its nodes
    rows: Rows | None = None  # how rows of its search and confirmation are planned, if it has such


PLANNERS = {  # by the names of params.kinds
    "pictures": PartPlanner(
        plan_pictures,
        plan_pictures_sweep,
        picture_networks,
        Estimator,
        estimate_sweep,
        rows=PICTURE_ROWS,
    ),
    "text": PartPlanner(
        plan_text,
        plan_text_sweep,
        text_networks,
        TextEstimator,
        estimate_text_sweep,
        TextBudget,
        TEXT_ROWS,
    ),
    "planes": PartPlanner(
        plan_planes,
        plan_planes_sweep,
        plane_networks,
        PlaneEstimator,
        estimate_points_sweep,
        PlaneBudget,
    ),
}


def plan(study: Study) -> Plan:
    """Everything the study consists of."""
    planners = [(part, planner_of(part)) for part in study.parts]
    plans = {p.name: _priced(study, p, by.plan(p), by.estimate) for p, by in planners}
    whole = with_claims(study, joined(study.scale, plans.values()))
    whole.parts.update((name, tuple(own.groups)) for name, own in plans.items())
    return whole


def plan_sweep(study: Study) -> Plan:
    """The sweeps of guidance weights with all that they rest on; empty where there are none."""
    planners = ((part, planner_of(part)) for part in study.parts)
    return joined(
        study.scale,
        (_priced(study, p, by.plan_sweep(p), by.estimate_sweep) for p, by in planners),
    )


def plan_tune(study: Study, searches: Mapping[str, Search]) -> Plan:
    """The searches with all that they rest on; empty where there are none.

    searches: by part, as far as they are.
    """
    return joined(
        study.scale,
        (
            _rows_planned(study, part, trials(part, searches[part.name]), planned)
            for part in study.parts
            if part.name in searches
            for planned in [plan_tune_of(part, planner_of(part).rows, searches[part.name])]
        ),
    )


def plan_confirm(study: Study) -> Plan:
    """What confirms the tuned values, and the claims over it; empty where there is no such."""
    whole = joined(
        study.scale,
        (
            _rows_planned(study, part, fresh, plan_confirm_of(fresh, planner_of(part).rows))
            for part in study.parts
            if getattr(part.params, "confirm", None)
            for fresh in confirmed(part)
        ),
    )
    return with_claims(study, whole, confirmed=True)


def _rows_planned(study: Study, part: Part, other: Part, planned: Plan) -> Plan:
    """The plan of a part's rows, priced; other: the part that it is a plan of."""
    estimator = planner_of(part).rows.estimator
    return _priced(study, part, planned, lambda _, planned: estimator(other, planned))


def planner_of(part: Part) -> PartPlanner:
    """How this part is planned and priced."""
    return PLANNERS[part.params.part]


def _priced(study: Study, part: Part, planned: Plan, estimate) -> Plan:
    """The plan with what prices its nodes; where it is empty there may be nothing to estimate."""
    if planned.nodes:
        budget = planner_of(part).budget(study, part, estimate(part, planned))
        planned.budgets.update(dict.fromkeys(planned.nodes, budget))
    return planned


def joined(scale: str, plans: Iterable[Plan]) -> Plan:
    """The plans of some parts as one."""
    whole = Plan(scale)
    for planned in plans:
        whole = whole.joined(planned)
    return whole

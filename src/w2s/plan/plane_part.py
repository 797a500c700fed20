"""The plan of a part with points of two-dimensional worlds, and of its sweep of weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

from w2s.models.mlp import POINT
from w2s.models.registry import family_of
from w2s.params.parts import Part
from w2s.params.plane_checks import seeds_of
from w2s.params.planes import PlaneRow, PlaneTable
from w2s.plan.models import Models
from w2s.plan.nodes import Node
from w2s.plan.plan import Plan
from w2s.plan.plane_facts import plane_row_facts, plane_table_facts
from w2s.plan.plane_sweep import plane_sweep_group, swept_points
from w2s.plan.planner import Planner
from w2s.plan.probes import add_probe, figure_groups
from w2s.plan.published import groups
from w2s.plan.refusals import refuse_null, refuse_untrained_head
from w2s.plan.samples import add_sample_sets
from w2s.sampling.grid import time_grid

UNTRAINED = 0  # stands in the place of a training seed, of which exact networks have none


class Points:
    """The points that networks are trained on, in the place of a part's pictures."""

    def __init__(self, planner: PlanePlanner):
        params, world = planner.params, planner.table.world
        spec = {"world": params.worlds[world].model_dump(), **params.points.model_dump()}
        self.key = planner.add(Node("points", spec, label=f"points of {world}"))
        self.latents = (self.key,)


class PlaneModels(Models):
    """Networks that are trained on points of one world, or are exact but for known errors."""

    def __init__(self, planner: PlanePlanner):
        super().__init__(planner.part, planner.points, planner.add)
        self.planner = planner

    def network(self, name):
        return self.params.models[name].config(POINT, self.planner.world.classes)

    def called(self, name):
        return f"{self.planner.table.world} {name}"

    def exact(self, name: str) -> str:
        """The weights of an exact network: none, everything is in its configuration."""
        spec = {"kind": "exact", "network": self.planner.network(name)}
        return self.add(Node("weights", spec, label=f"exact {self.called(name)}"))


class PlanePlanner(Planner):
    """Planning one table of a part: all its rows are of one world."""

    def __init__(self, part: Part, name: str):
        self.table: PlaneTable = part.params.tables[name]
        alone = part.params.model_copy(update={"tables": {name: self.table}})
        super().__init__(replace(part, params=alone))
        self.world = self.params.worlds[self.table.world]
        self.points = Points(self)
        self.models = PlaneModels(self)

    @property
    def exact(self) -> bool:
        """Whether its networks are exact."""
        rows = self.table.rows.values()
        return next(row.model for row in rows if not row.truth) in self.params.exact

    @property
    def seeds(self):
        return (UNTRAINED,) if self.exact else self.params.training.seeds

    def weights(self, name, seed):
        return self.models.exact(name) if self.exact else self.models.weights(name, seed)

    def network(self, name):
        params = self.params
        if name in params.exact:
            errors = params.exact[name].model_dump()
            return {"kind": "exact", "world": self.world.model_dump(), "errors": errors}
        weak = params.weak.get(name)
        recipe = weak.recipe if weak else name
        config = self.models.network(params.recipes[recipe].model)
        if weak is None:
            return config
        with self.part.at("weak", name, "part"):
            return family_of(config).part_config(config, weak.taken)

    def times(self, row):
        sampling = self.params.sampling
        return time_grid(row.steps or sampling.steps, sampling.shift)

    def start(self, row, config):
        sampling, weak = self.params.sampling, self.params.weak.get(row.model)
        recipe = self.params.recipes.get(weak.recipe if weak else row.model)
        return {
            "solver": sampling.solver,
            "seeds": list(seeds_of(self.params, self.table)),
            "per_seed": sampling.per_seed,
            "batch": sampling.batch,
            "precision": "fp32",
            "state": "fp32",
            "compile": False,
            "labels": "balanced",
            "classes": self.world.classes,
            "conditional": recipe is None or recipe.conditional,
            "shape": list(POINT),
        }

    def refuse(self, row, drawing, networks):
        refuse_untrained_head(self.params, row.model, drawing)
        refuse_null(row.model, drawing)

    def measured(self, table, name, drawing, finals):
        parents = {"points": (self.points.key,), "segment": finals}
        return (self.add(Node("judge", {}, parents, label=f"judge {name}")),)

    def real(self, table):
        return (self._truth,)

    def truth(self):
        return {"points": (self.points.key,)}

    @cached_property
    def _truth(self) -> str:
        """True points: as many sets as a network's row is repeated."""
        seeds = seeds_of(self.params, self.table) if self.exact else self.seeds
        spec = {"seeds": list(seeds), "per_seed": self.params.sampling.per_seed}
        label = f"judge true points of {self.table.world}"
        return self.add(Node("judge", spec, {"points": (self.points.key,)}, label=label))


def plan_planes(part: Part) -> Plan:
    """Everything the part consists of."""
    planned = _sampled(part, part.params.tables)
    planned.groups.update(groups(part, planned, plane_table_facts, plane_row_facts))
    made = {}
    for name, probe in part.params.probes.items():
        alone = part.params.model_copy(update={"tables": {name: probe.table()}})
        planner = PlanePlanner(replace(part, params=alone), name)
        made[name] = add_probe(planner, name, PlaneRow, world=planner.world.model_dump())
        planned = planned.joined(planner.plan)
    planned.groups.update(figure_groups(part, made))
    return planned


def plan_planes_sweep(part: Part) -> Plan:
    """The sweep of guidance weights with all that it rests on; empty where the part has none."""
    if part.params.sweep is None:
        return Plan(part.scale)
    other = swept_points(part)
    planned = _sampled(other, other.params.tables)
    for table in other.params.tables:
        group = plane_sweep_group(other, planned, table)
        planned.groups[group.name] = group
    return planned


def plane_networks(part: Part) -> list[dict]:
    """Configurations of the networks under models, in every world."""
    worlds, models = part.params.worlds.values(), part.params.models.values()
    return [model.config(POINT, world.classes) for world in worlds for model in models]


def _sampled(part: Part, tables: Iterable[str]) -> Plan:
    """All nodes up to the scores of every row."""
    whole = Plan(part.scale)
    for table in tables:
        planner = PlanePlanner(part, table)
        planner.plan.sets.update(add_sample_sets(planner))
        whole = whole.joined(planner.plan)
    return whole

"""The plan of a part with class-conditional pictures, and of its sweep of weights."""

from __future__ import annotations

from w2s.errors import UserError
from w2s.guidance.base import VARIANCE
from w2s.metrics.registry import BY_DINOV2
from w2s.models.backbone import Grid, Shape
from w2s.models.registry import family_of, shape_of
from w2s.params.networks import (
    network_behind,
    network_config,
    scaling_of,
    sees_labels,
)
from w2s.params.parts import Part
from w2s.params.pictures import Row
from w2s.plan.compared import compared_of
from w2s.plan.drawing import Drawing
from w2s.plan.estimate import Estimator
from w2s.plan.facts import lacking_network, row_facts, table_facts
from w2s.plan.models import Models
from w2s.plan.pictures import HELD_OUT, Pictures
from w2s.plan.plan import Plan
from w2s.plan.planner import Planner
from w2s.plan.probes import add_probe, figure_groups
from w2s.plan.published import groups
from w2s.plan.refusals import refuse_null, refuse_untrained_head
from w2s.plan.rows import Rows
from w2s.plan.samples import add_sample_sets
from w2s.plan.sweep import plan_sweep_of, swept
from w2s.sampling.grid import time_grid
from w2s.sampling.solvers import READS

LAST = {"sde": 0.04}  # arXiv 2401.08740's SDE sampler leaves t = 0.04 for 0 in one mean step


class PicturePlanner(Planner):
    """Planning class-conditional pictures, by networks that are trained here or given."""

    def __init__(self, part: Part):
        super().__init__(part)
        self.pictures = Pictures(part, self.add)
        compared = compared_of(part, "dinov2")
        self.dinov2 = Pictures(compared, self.add) if compared else None
        self.models = Models(part, self.pictures, self.add)

    @property
    def seeds(self):
        return self.params.training.seeds

    def weights(self, name, seed):
        return self.models.weights(name, seed)

    def network(self, name):
        return network_behind(self.part, name)

    def times(self, row):
        sampling = self.params.sampling
        solver, steps = row.solver or sampling.solver, row.steps or sampling.steps
        config = self.network(row.model)
        given = family_of(config).grid(config, steps)
        _refuse_unfit(given, sampling.shift, solver, shape_of(config), row.model)
        return given.times if given else time_grid(steps, sampling.shift, LAST.get(solver))

    def start(self, row, config):
        sampling, family = self.params.sampling, family_of(config)
        given = family.grid(config, row.steps or sampling.steps)
        return {
            "solver": row.solver or sampling.solver,
            "seeds": list(sampling.seeds),
            "per_seed": sampling.per_seed,
            "batch": sampling.batch,
            **sampling.arithmetic,
            "state": sampling.state,
            "compile": sampling.compile,
            "labels": sampling.labels,
            "classes": family.classes(config),
            "conditional": sees_labels(self.params, row.model),
            "shape": list(family.latents(config)),
            **({"initial_std": given.std} if given else {}),
        }

    def scaling(self, row):
        return scaling_of(self.params, row.model)

    def refuse(self, row, drawing: Drawing, networks):
        refuse_untrained_head(self.params, row.model, drawing)
        classes, steps = drawing.start["classes"], len(drawing.methods)
        given = family_of(networks["main"]).grid(networks["main"], steps)
        for name, net in networks.items():
            if (knows := family_of(net).classes(net)) != classes:
                raise UserError(
                    f"'{name}' knows {knows} classes and '{row.model}' {classes}: "
                    "guide a network by one for the same classes"
                )
            if family_of(net).grid(net, steps) not in (None, given):
                raise UserError(
                    f"'{name}' knows the times of its own noise schedule alone, which are not "
                    f"those that '{row.model}' is drawn at: guide it by a network of its schedule"
                )
        refuse_null(row.model, drawing)

    def measured(self, table, name, drawing, finals):
        return self._scored(table, self.pictures.decoded(finals, name, drawing.scaling), name)

    def real(self, table):
        return self._scored(table, self.pictures.real_decoded, HELD_OUT)

    def _scored(self, table: str, decoded: str, name: str) -> tuple[str, ...]:
        """Keys of a decoded set's metrics: in the features that it has, and in DINOv2's."""
        kind, columns = self.params.features.kind, self.params.tables[table].columns
        own = self.params.metrics.by(kind).metrics
        keys = [self.pictures.metrics(decoded, name)] if own else []
        if any(c in BY_DINOV2 and not lacking_network(self.part, c) for c in columns):
            keys.append(self.dinov2.metrics_of_images(decoded, name))
        return tuple(keys) or (decoded,)

    def truth(self):
        return {"latents": self.pictures.latents}


def _refuse_unfit(given: Grid | None, shift: float, solver: str, shape: Shape, model: str) -> None:
    """UserError where the study's sampling asks for what the network cannot give."""
    if given and shift != 1:
        raise UserError(
            f"'{model}' knows the times of its noise schedule alone, and sampling.shift would move "
            "them: set it to 1"
        )
    if VARIANCE in READS.get(solver, ()) and not shape.variance:
        raise UserError(
            f"solver {solver} needs the variance of each step, which '{model}' does not predict: "
            "take another solver, or a DiT with learn_sigma"
        )


def plan_pictures(part: Part) -> Plan:
    """Everything the part consists of."""
    planner = _planned(part)
    planned = planner.plan
    made = {name: add_probe(planner, name, Row) for name in part.params.probes}
    planned.groups.update(groups(part, planned, table_facts, row_facts))
    planned.groups.update(figure_groups(part, made))
    return planned


def plan_pictures_sweep(part: Part) -> Plan:
    """The part's sweep with all that it rests on; empty where it has none."""
    return plan_sweep_of(part, _sampled, row_facts)


def picture_networks(part: Part) -> list[dict]:
    """Configurations of the networks under models."""
    return [network_config(part, name) for name in part.params.models]


def estimate_sweep(part: Part, planned: Plan) -> Estimator:
    """Estimates for the nodes of the sweep's plan, which draws other counts than the tables."""
    return Estimator(swept(part), planned)


def _sampled(part: Part) -> Plan:
    """All nodes up to the metrics of every row."""
    return _planned(part).plan


def _planned(part: Part) -> PicturePlanner:
    """The planner that has added them."""
    planner = PicturePlanner(part)
    (planner.plan.index,) = planner.pictures.images["index"]
    planner.plan.sets.update(add_sample_sets(planner))
    return planner


PICTURE_ROWS = Rows(_sampled, row_facts, Estimator)

"""Sample sets: rows of tables as trajectories, trajectories as the segments they share."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

from w2s.errors import UserError
from w2s.guidance.base import VARIANCE
from w2s.guidance.windows import resolve
from w2s.models.backbone import Grid, Shape
from w2s.models.registry import family_of, shape_of
from w2s.params.networks import network_behind, scaling_of, sees_labels, untrained_head
from w2s.plan.drawing import Drawing, SampleSet
from w2s.plan.nodes import Node, canonical
from w2s.plan.planner import Planner
from w2s.sampling.grid import time_grid
from w2s.sampling.solvers import READS
from w2s.sampling.trajectories import (
    Segment,
    encode,
    nets_of,
    segments,
    signals_of,
    versions,
)
from w2s.sampling.tree import one_batch

LAST = {"sde": 0.04}  # arXiv 2401.08740's SDE sampler leaves t = 0.04 for 0 in one mean step


def add_sample_sets(planner: Planner) -> dict[tuple[str, str, int], SampleSet]:
    """Segments and metrics of every (table, row, training seed).

    Rows share the segments that they agree on: what a state depends on is its key, and where a
    trajectory is cut is not part of that, so a new row never renames the states of another.
    """
    params = planner.params
    members = {
        (table, name, seed): row
        for table, block in params.tables.items()
        for name, row in block.rows.items()
        for seed in params.training.seeds
    }
    rows = {member: _drawing(planner, *member) for member, row in members.items() if not row.real}
    sets = {}
    for family in families(rows).values():
        chains = segments([rows[member].methods for member in family])
        for member, chain in zip(family, chains, strict=True):
            sets[member] = _sample_set(planner, rows[member], chain, member[1])
    for member in members.keys() - rows.keys():
        sets[member] = SampleSet(None, (), planner.pictures.real_metrics)
    return {member: sets[member] for member in members}


def families(rows: dict) -> dict[str, list]:
    """Rows whose trajectories could share a state: same model, same start.

    Methods name their weak networks, and under one model a name means one network: equal methods
    are equal work.
    """
    out = defaultdict(list)
    for member, one in rows.items():
        out[canonical([one.model, one.start])].append(member)
    return out


def _drawing(planner: Planner, table: str, name: str, seed: int) -> Drawing:
    """How a row is drawn.

    Raises:
        UserError: the windows do not fit the steps, or a network cannot give a signal.
    """
    row = planner.params.tables[table].rows[name]
    where = partial(planner.part.at, "tables", table, "rows", name, "guidance")
    params, sampling = planner.params, planner.params.sampling
    solver = row.solver or sampling.solver
    steps = row.steps or sampling.steps
    config, conditional = network_behind(planner.part, row.model), sees_labels(params, row.model)
    family = family_of(config)
    with planner.part.at("tables", table, "rows", name, "model"):
        given = family.grid(config, steps)
        _refuse_unfit(given, sampling.shift, solver, shape_of(config), row.model)
    times = given.times if given else time_grid(steps, sampling.shift, LAST.get(solver))
    guidance = params.guidance[row.guidance] if row.guidance else None
    with where():
        methods = resolve(guidance, times) if guidance else (None,) * steps
    names = nets_of(methods)
    weak = {name: network_behind(planner.part, name) for name in names}
    one = Drawing(
        model=planner.models.weights(row.model, seed),
        nets={name: planner.models.weights(name, seed) for name in names},
        shapes={"main": shape_of(config)} | {name: shape_of(net) for name, net in weak.items()},
        start={
            "times": list(times),
            "solver": solver,
            "seeds": list(sampling.seeds),
            "per_seed": sampling.per_seed,
            "batch": sampling.batch,
            "precision": sampling.precision,
            "state": sampling.state,
            "compile": sampling.compile,
            "labels": sampling.labels,
            "classes": family.classes(config),
            "conditional": conditional,
            "shape": list(family.latents(config)),
            **({"initial_std": given.std} if given else {}),
        },
        methods=tuple(methods),
        scaling=scaling_of(params, row.model),
    )
    with where():
        one.forwards  # noqa: B018
        asked = {signal for method in set(methods) for signal in signals_of(method)}
        for net in sorted({signal.net for signal in asked if signal.head}):
            if why := untrained_head(params, row.model if net == "main" else net):
                raise UserError(f"this guidance {why}")
        for other, net in weak.items():
            if (knows := family_of(net).classes(net)) != family.classes(config):
                raise UserError(
                    f"'{other}' knows {knows} classes and '{row.model}' {family.classes(config)}: "
                    "guide a network by one for the same classes"
                )
            if family_of(net).grid(net, steps) not in (None, given):
                raise UserError(
                    f"'{other}' knows the times of its own noise schedule alone, which are not "
                    f"those that '{row.model}' is drawn at: guide it by a network of its schedule"
                )
        if not conditional and any(signal.null for signal in asked):
            raise UserError(
                f"this guidance extrapolates from the null branch, and '{row.model}' never sees "
                "labels: choose a guidance without it, or a network with labels"
            )
    return one


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


def _sample_set(planner: Planner, one: Drawing, chain: list[Segment], name: str) -> SampleSet:
    """The nodes of a row: its chain of segments, shard by shard, and their metrics."""
    params = planner.params
    pieces = [_piece(one, segment) for segment in chain]
    finals = tuple(
        _chain(planner, pieces, {"shard": i, "of": params.sampling.shards}, name)
        for i in range(params.sampling.shards)
    )
    return SampleSet(one, finals, planner.pictures.metrics(finals, name, one.scaling))


def _piece(one: Drawing, segment: Segment) -> tuple[dict, dict]:
    """Spec, but for the shard, and parents of a segment."""
    weak = {f"weak:{net}": (one.nets[net],) for net in nets_of(segment.methods)}
    done = {"steps": encode(segment.methods), "versions": versions(segment.methods)}
    spec = one.start | {"stop": segment.stop} | done
    several = any(len(signals_of(method)) > 1 for method in set(segment.methods))
    if several and one_batch("cpu", spec["batch"] * one.shapes["main"].tokens):
        spec["one_batch"] = True  # how a CPU rounds; elsewhere it is always so
    return spec, {"model": (one.model,)} | weak


def _chain(planner: Planner, pieces: list[tuple[dict, dict]], shard: dict, name: str) -> str:
    """One shard's nodes, each helped by the one before; returns the last."""
    helpers: dict[str, tuple[str, ...]] = {}
    for spec, parents in pieces:
        node = Node("segment", spec | shard, parents, helpers, label=f"sample {name}")
        helpers = {"from": (planner.add(node),)}
    return helpers["from"][0]

"""Sample sets: rows of tables as trajectories, trajectories as the segments they share."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from w2s.guidance.windows import resolve
from w2s.plan.nodes import Node, canonical
from w2s.sampling.grid import time_grid
from w2s.sampling.trajectories import Cost, Segment, cost, encode, segments, signals_of
from w2s.sampling.trajectories import Trajectory as Methods
from w2s.sampling.tree import Shape

SDE_LAST = 0.04  # SiT's SDE sampler leaves t = 0.04 for 0 in one mean step


@dataclass(frozen=True)
class Trajectory:
    """How a row's samples are drawn: the networks, the first state, the method of every step."""

    model: str  # key of the weights
    nets: dict[str, str]  # separate weak networks: name to key of the weights
    shapes: dict[str, Shape]  # of all networks, "main" being the model
    start: dict  # what the first state depends on
    methods: Methods

    @property
    def cost(self) -> Cost:
        """Forwards per sample."""
        return cost([self.methods], self.shapes, self.start["times"], self.start["solver"])


@dataclass(frozen=True)
class SampleSet:
    """A row's trajectory and its last nodes."""

    trajectory: Trajectory
    segments: tuple[str, ...]  # the final ones, one per shard
    metrics: str


def add_sample_sets(planner) -> dict[tuple[str, str, int], SampleSet]:
    """Segments and metrics of every (table, row, training seed).

    Rows share the segments that they agree on: what a state depends on is its key, and where a
    trajectory is cut is not part of that, so a new row never renames the states of another.
    """
    study = planner.study
    rows = {
        (table, name, seed): _trajectory(planner, row, seed)
        for table, block in study.tables.items()
        for name, row in block.rows.items()
        for seed in study.training.seeds
    }
    sets = {}
    for members in families(rows).values():
        chains = segments([rows[member].methods for member in members])
        for member, chain in zip(members, chains, strict=True):
            sets[member] = _sample_set(planner, rows[member], chain, member[1])
    return {member: sets[member] for member in rows}


def families(rows: dict) -> dict[str, list]:
    """Rows whose trajectories could share a state: same model, same start.

    Methods name their weak networks, and under one model a name means one network: equal methods
    are equal work.
    """
    out = defaultdict(list)
    for member, one in rows.items():
        out[canonical([one.model, one.start])].append(member)
    return out


def _trajectory(planner, row, seed: int) -> Trajectory:
    study, sampling = planner.study, planner.study.sampling
    solver = row.solver or sampling.solver
    steps = row.steps or sampling.steps
    times = time_grid(steps, sampling.shift, SDE_LAST if solver == "sde" else None)
    guidance = study.guidance[row.guidance] if row.guidance else None
    methods = resolve(guidance, times) if guidance else (None,) * steps
    names = sorted({s.net for m in methods for s in signals_of(m)} - {"main"})
    config, conditional = planner.network_of(row.model)
    side = config["input_size"]
    return Trajectory(
        model=planner.weights(row.model, seed),
        nets={name: planner.weights(name, seed) for name in names},
        shapes={"main": Shape.of(config)}
        | {name: Shape.of(planner.network_of(name)[0]) for name in names},
        start={
            "times": list(times),
            "solver": solver,
            "seeds": list(sampling.seeds),
            "per_seed": sampling.per_seed,
            "batch": sampling.batch,
            "labels": sampling.labels,
            "classes": config["num_classes"],
            "conditional": conditional,
            "shape": [config["in_channels"], side, side],
        },
        methods=tuple(methods),
    )


def _sample_set(planner, one: Trajectory, chain: list[Segment], name: str) -> SampleSet:
    """The nodes of a row: its chain of segments, shard by shard, and their metrics."""
    study = planner.study
    finals = tuple(
        _chain(planner, one, chain, {"shard": i, "of": study.sampling.shards}, name)
        for i in range(study.sampling.shards)
    )
    parents = {
        "segment": finals,
        "vae": (planner.vae,),
        "latents": planner.latents,
        "features": (planner.features,),
        "reference": (planner.reference,),
    }
    spec = planner.metric_settings
    metrics = planner.plan.add(Node("metrics", spec, parents, label=f"evaluate {name}"))
    return SampleSet(one, finals, metrics)


def _chain(planner, one: Trajectory, chain: list[Segment], shard: dict, name: str) -> str:
    helpers: dict[str, tuple[str, ...]] = {}
    for piece in chain:
        used = {s.net for method in piece.methods for s in signals_of(method)} - {"main"}
        parents = {"model": (one.model,)} | {
            f"weak:{net}": (one.nets[net],) for net in sorted(used)
        }
        spec = one.start | shard | {"stop": piece.stop, "steps": encode(piece.methods)}
        node = Node("segment", spec, parents, helpers, label=f"sample {name}")
        helpers = {"from": (planner.plan.add(node),)}
    return helpers["from"][0]

"""Sample sets: rows of tables as trajectories, trajectories as the segments they share."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

from w2s.guidance.windows import resolve
from w2s.models.registry import shape_of
from w2s.plan.drawing import Drawing, SampleSet
from w2s.plan.nodes import Node, canonical
from w2s.plan.planner import Planner
from w2s.sampling.trajectories import (
    Segment,
    encode,
    nets_of,
    segments,
    signals_of,
    versions,
)
from w2s.sampling.tree import one_batch


def add_sample_sets(planner: Planner) -> dict[tuple[str, str, int], SampleSet]:
    """Segments and measurements of every (table, row, training seed).

    Rows share the segments that they agree on: what a state depends on is its key, and where a
    trajectory is cut is not part of that, so a new row never renames the states of another.
    """
    params = planner.params
    members = {
        (table, name, seed): row
        for table, block in params.tables.items()
        for name, row in block.rows.items()
        for seed in planner.seeds
    }
    rows = {
        (table, name, seed): drawing_of(planner, row, seed, ("tables", table, "rows", name))
        for (table, name, seed), row in members.items()
        if not row.real
    }
    sets = {}
    for family in families(rows).values():
        chains = segments([rows[member].methods for member in family])
        for member, chain in zip(family, chains, strict=True):
            sets[member] = _sample_set(planner, rows[member], chain, member)
    for member in members.keys() - rows.keys():
        sets[member] = SampleSet(None, (), planner.real(member[0]))
    return {member: sets[member] for member in members}


def families(rows: dict) -> dict[str, list]:
    """Rows whose trajectories could share a state: same model, same start, same conditions.

    Methods name their weak networks, and under one model a name means one network: equal methods
    are equal work.
    """
    out = defaultdict(list)
    for member, one in rows.items():
        out[canonical([one.model, one.start, one.conditions])].append(member)
    return out


def drawing_of(planner: Planner, row, seed: int, path: tuple[str, ...]) -> Drawing:
    """How a row is drawn; path: of its keys.

    Raises:
        UserError: the windows do not fit the steps, or a network cannot give a signal.
    """
    params, where = planner.params, partial(planner.part.at, *path, "guidance")
    with planner.part.at(*path, "model"):
        times = planner.times(row)
    guidance = params.guidance[row.guidance] if row.guidance else None
    with where():
        methods = resolve(guidance, times) if guidance else (None,) * (len(times) - 1)
    names = nets_of(methods)
    networks = {"main": planner.network(row.model)}
    networks |= {name: planner.network(name) for name in names}
    one = Drawing(
        model=planner.weights(row.model, seed),
        nets={name: planner.weights(name, seed) for name in names},
        shapes={name: shape_of(net) for name, net in networks.items()},
        start={"times": list(times), **planner.start(row, networks["main"])},
        methods=tuple(methods),
        conditions=planner.conditions(row),
        scaling=planner.scaling(row),
    )
    with where():
        one.forwards  # noqa: B018
        planner.refuse(row, one, networks)
    return one


def _sample_set(planner: Planner, one: Drawing, chain: list[Segment], member) -> SampleSet:
    """The nodes of a row: its chain of segments, shard by shard, and what measures them."""
    (table, name, _), shards = member, planner.params.sampling.shards
    pieces = [_piece(one, segment) for segment in chain]
    finals = tuple(_chain(planner, pieces, {"shard": i, "of": shards}, name) for i in range(shards))
    return SampleSet(one, finals, planner.measured(table, name, one, finals))


def _piece(one: Drawing, segment: Segment) -> tuple[dict, dict]:
    """Spec, but for the shard, and parents of a segment."""
    weak = {f"weak:{net}": (one.nets[net],) for net in nets_of(segment.methods)}
    done = {"steps": encode(segment.methods), "versions": versions(segment.methods)}
    spec = one.start | {"stop": segment.stop} | done
    several = any(len(signals_of(method)) > 1 for method in set(segment.methods))
    if several and one_batch("cpu", spec["batch"] * one.shapes["main"].tokens):
        spec["one_batch"] = True  # how a CPU rounds; elsewhere it is always so
    return spec, {"model": (one.model,)} | weak | one.conditions


def _chain(planner: Planner, pieces: list[tuple[dict, dict]], shard: dict, name: str) -> str:
    """One shard's nodes, each helped by the one before; returns the last."""
    helpers: dict[str, tuple[str, ...]] = {}
    for spec, parents in pieces:
        node = Node("segment", spec | shard, parents, helpers, label=f"sample {name}")
        helpers = {"from": (planner.add(node),)}
    return helpers["from"][0]

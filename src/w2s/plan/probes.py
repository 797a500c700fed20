"""The nodes of probes, and the figures that show them."""

from __future__ import annotations

from collections.abc import Mapping

from w2s.params.parts import Part
from w2s.params.probes import NONE, measures_of
from w2s.plan.nodes import Node
from w2s.plan.planner import Planner
from w2s.plan.published import Group
from w2s.plan.samples import drawing_of
from w2s.sampling.trajectories import encode, versions


def add_probe(planner: Planner, name: str, row: type, **facts) -> dict:
    """Add the node of a probe; returns what figures say of it, `facts` included.

    row: the type of a row of the part's tables.
    """
    params, probe = planner.params, planner.params.probes[name]
    repeated = len(planner.seeds) > 1
    runs = [s for s in planner.seeds if not (repeated and probe.seeds) or s in probe.seeds]
    drawn = {
        (guidance, seed): drawing_of(planner, one, seed, ("probes", name))
        for guidance, one in probe.rows(row).items()
        for seed in runs
    }
    ways = {guidance: drawn[guidance, runs[0]] for guidance in probe.rows(row)}
    networks: dict[str, dict[str, None]] = {"model": {}}  # as ordered sets, a key for each seed
    for one in drawn.values():
        networks["model"][one.model] = None
        for net, key in one.nets.items():
            networks.setdefault(f"weak:{net}", {})[key] = None
    seeds = runs if repeated else probe.seeds or params.sampling.seeds
    start = ways[NONE].start
    spec = {
        "guidance": {guidance: encode(one.methods) for guidance, one in ways.items()},
        "versions": versions(m for one in ways.values() for m in one.methods),
        "solver": start["solver"],
        "times": start["times"],
        "seeds": list(seeds),
        "per_seed": probe.per_seed,
        "measures": measures_of(params.figures, name),
    }
    parents = {role: tuple(keys) for role, keys in networks.items()} | planner.truth()
    key = planner.add(Node("probe", spec, parents, label=f"probe {name}"))
    return facts | {
        "key": key,
        "label": probe.label,
        "over": "training seeds" if repeated else "sampling seeds",
        "guidance": [_shown(params, guidance, probe) for guidance in ways],
    }


def _shown(params, name: str, probe) -> dict:
    """What figures call a guidance, and its method and weight if it is one window of a number."""
    if name == NONE:
        return {"name": NONE, "label": "no guidance"}
    shown, windows = {"name": name, "label": probe.guidance[name]}, params.guidance[name]
    methods = {window.method for window in windows}
    if len(methods) == 1:
        shown["method"] = methods.pop()
    if len(windows) == 1 and isinstance(windows[0].weight, int | float):
        shown["weight"] = float(windows[0].weight)
    return shown


def figure_groups(part: Part, made: Mapping[str, dict]) -> dict[str, Group]:
    """The groups of a part's figures, given what is said of each probe."""
    out = {}
    for name, figure in part.params.figures.items():
        probes = [_chosen(made[probe], figure.guidance) for probe in figure.probes]
        facts = {"figure": {"draws": figure.draws, "title": figure.title, "scale": part.scale}}
        group = Group(
            f"figure/{name}",
            (f"results/figures/{name}.png",),
            tuple(probe["key"] for probe in probes),
            facts | {"probes": probes},
        )
        out[group.name] = group
    return out


def _chosen(probe: dict, guidance: tuple[str, ...] | None) -> dict:
    """What is said of a probe, but for the guidances that a figure leaves out."""
    kept = [s for s in probe["guidance"] if guidance is None or s["name"] in (NONE, *guidance)]
    return probe | {"guidance": kept}

"""`w2s plan`: what would run and why, and what it costs."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

from w2s.params.common import Cost
from w2s.params.parts import Part, Study
from w2s.plan.chains import START, cluster_jobs
from w2s.plan.estimate import Estimate
from w2s.plan.kinds import KINDS
from w2s.plan.nodes import Node
from w2s.plan.plan import Plan
from w2s.plan.published import Group
from w2s.plan.samples import families
from w2s.plan.study import plan, planner_of
from w2s.run.beside import beside
from w2s.run.outlook import size, time_and_disk
from w2s.sampling.trajectories import cost
from w2s.store import folders
from w2s.store.keys import carried_key


def overview(study: Study, nodes: bool, gpus: int | None = None) -> str:
    """The plan in words: totals by stage for each part, reasons, sharing, and estimates.

    nodes: name every node that would run, not only the first of each stage.
    gpus: say how long these take at least.

    Raises:
        UserError: that is asked of a study whose jobs want none.
    """
    plans = {part.name: planner_of(part).plan(part) for part in study.parts}
    planned = plan(study)
    absent = _absent(planned)
    stale = [
        group.name
        for group in planned.groups.values()
        if any(carried_key(Path(path)) != group.key for path in group.paths)
    ]
    lines = [
        f"scale {study.scale}, {_what(study)}: {len(planned.nodes)} nodes, "
        f"{len(absent)} to run; {len(planned.groups)} groups of published files, "
        f"{len(stale)} to write",
    ]
    for part in study.parts:
        lines += ["", *_part(part, plans[part.name], study)]
    lines += ["", *time_and_disk(planned, [node.key for node in absent], gpus)]
    lines += [_on_a_cluster(planned, absent)] if absent else []
    lines += _reasons(planned, absent, nodes)
    paths = {Path(node.local["path"]) for node in absent if "path" in node.local}
    missing = {path for path in paths if not path.exists()}
    tops = sorted(path for path in missing if not missing & set(path.parents))
    lines += [f"{path} is not there yet" for path in tops]
    lines += sorted({line for group in planned.groups.values() for line in _unavailable(group)})
    return "\n".join(lines)


def _on_a_cluster(planned: Plan, absent: list[Node]) -> str:
    """How many jobs a cluster is given, and how much of their time is not work."""
    jobs = cluster_jobs(planned, absent)
    return (
        f"on a cluster: {jobs.count} jobs for {len(absent)} nodes, with {jobs.overhead:.1%} of "
        f"their time for starting, at {START:g} minutes a job"
    )


def _unavailable(group: Group) -> list[str]:
    """Scores of a row that wait for files."""
    waiting = group.facts.get("row", {}).get("unavailable", {})
    return [f"score {name} waits for {paths}" for name, paths in waiting.items()]


def _what(study: Study) -> str:
    """What there is beside the scale: the data set of the only part, or which parts."""
    if len(study.parts) == 1:
        return f"data set {study.parts[0].data['name']}"
    return f"parts {', '.join(part.name for part in study.parts)}"


def _part(part: Part, planned: Plan, study: Study) -> list[str]:
    """A part's stages, sharing and sweep, under a heading where there are others."""
    lines = [*_stages(part, planned, study.cost), "", *_sharing(planned)]
    lines += _sweep(part, planned, study.cost)
    lines += beside(study, part, planned)
    if len(study.parts) > 1:
        lines.insert(0, f"part {part.name}, data set {part.data['name']}")
    return lines


def _absent(planned: Plan) -> list[Node]:
    return [n for n in planned.nodes.values() if not folders.present(n.kind, n.key)]


def _stages(part: Part, planned: Plan, cost: Cost | None) -> list[str]:
    """A line per stage with counts and estimates of what is to run."""
    estimator = planner_of(part).estimate(part, planned)
    absent = _absent(planned)
    total = Counter(node.kind for node in planned.nodes.values())
    todo = defaultdict(list)
    for node in absent:
        todo[node.kind].append(estimator.of(node))
    head = f"{'stage':<10} {'nodes':>6} {'to run':>6} {'forwards':>10} {'disk':>9}"
    lines = [head + ("  hours" if cost else "")]
    everything = Estimate()
    for kind in total:
        work = sum(todo[kind], Estimate())
        everything += work
        name = KINDS[kind].verb
        lines.append(_line(name, total[kind], len(todo[kind]), work, cost))
    lines.append(_line("all", len(planned.nodes), len(absent), everything, cost))
    if cost:
        lines.append(f"hours: transformer forwards on one {cost.device}, measured {cost.measured}")
    else:
        lines.append("no cost is set; `w2s cost` measures one for the estimate of hours")
    return lines


def _line(name: str, total: int, todo: int, work: Estimate, cost: Cost | None) -> str:
    hours = f" {_hours(work, cost):6.4g}" if cost else ""
    return f"{name:<10} {total:>6} {todo:>6} {work.forwards:>10.4g} {size(work.bytes):>9}{hours}"


def _hours(work: Estimate, cost: Cost) -> float:
    return work.gmacs * cost.seconds_per_gmac / 3600


def _sharing(planned: Plan) -> list[str]:
    """What shared segments and forked forwards save, in forwards per sample."""
    rows = {member: one.drawing for member, one in planned.sets.items() if one.drawing}
    shared = forked = separate = 0.0
    for members in families(rows).values():
        first = rows[members[0]]
        shapes = {k: v for m in members for k, v in rows[m].shapes.items()}
        methods = list(dict.fromkeys(rows[m].methods for m in members))
        one = cost(methods, shapes, first.start["times"], first.start["solver"])
        shared, forked = shared + one.shared, forked + one.forked
        separate += one.separate
    return [
        f"sampling, forwards per sample: {shared:.2f}; without shared segments {forked:.2f}; "
        f"without shared blocks too {separate:.2f}"
    ]


def _sweep(part: Part, planned: Plan, cost: Cost | None) -> list[str]:
    """What `snakemake weights` and `snakemake layers` would run beyond the study."""
    sweep = planner_of(part).plan_sweep(part)
    if not sweep.nodes:
        return []
    estimator = planner_of(part).estimate_sweep(part, sweep)
    own = [node for node in _absent(sweep) if node.key not in planned.nodes]
    work = sum((estimator.of(node) for node in own), Estimate())
    hours = f", {_hours(work, cost):.4g} hours" if cost else ""
    targets = "weights layers" if part.params.sweep.layers else "weights"
    return [
        f"`snakemake {targets}` would add {len(own)} nodes: {work.forwards:.4g} forwards{hours}, "
        f"{size(work.bytes)}"
    ]


def _reasons(planned: Plan, absent: list[Node], every: bool) -> list[str]:
    """Why nodes would run; the first few of each stage, or all."""
    missing = {node.key for node in absent}
    shown, lines = Counter(), []
    known = _published_specs()
    for node in absent:
        shown[node.kind] += 1
        if every or shown[node.kind] <= 3:
            lines.append(f"  {node.kind} {node.key} {node.label}: {_reason(node, missing, known)}")
    more = sum(shown.values()) - len(lines)
    if more:
        lines.append(f"  and {more} more; --nodes names them all")
    return ["", "to run:", *lines] if lines else ["", "nothing to run"]


def _reason(node: Node, missing: set[str], known: dict) -> str:
    waiting = [key for keys in node.inputs.values() for key in keys if key in missing]
    before = known.get((node.kind, node.label))
    if before:
        changes = [
            f"{name}: {before['spec'].get(name)} -> {value}"
            for name, value in node.spec.items()
            if before["spec"].get(name) != value
        ]
        if changes:
            return f"changed since {before['key']}: {'; '.join(changes)[:160]}"
    if waiting:
        return f"rests on {len(waiting)} node(s) that are to run"
    return "not computed yet"


def _published_specs() -> dict[tuple[str, str], dict]:
    """The newest published node of each kind and label."""
    newest: dict[tuple[str, str], dict] = {}
    for path in folders.STORE.glob(f"*/*/{folders.MANIFEST}"):
        kind, key = path.parts[-3:-1]
        if kind not in KINDS:
            continue
        try:
            manifest = folders.read_manifest(kind, key)
        except folders.Damaged:
            continue  # named and set aside by whoever reads it first
        name = kind, manifest["label"]
        if name not in newest or newest[name]["end"] < manifest["end"]:
            newest[name] = manifest
    return newest

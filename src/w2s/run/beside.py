"""What `w2s tune` and `snakemake confirm` would run beyond a part, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

from w2s.params.parts import Part, Study
from w2s.plan.plan import Plan
from w2s.plan.schedule import work_of
from w2s.plan.study import plan_confirm, plan_tune
from w2s.plan.tune import Search, row_name
from w2s.run.outlook import hours, size
from w2s.store import folders
from w2s.store.searches import searches
from w2s.tuning.search import Point

OF_A_ROW = ("segment", "decoded", "metrics", "score")  # kinds that every row has its own nodes of


def beside(study: Study, part: Part, planned: Plan) -> list[str]:
    """A line each on the search and the confirmation of a part, if it has them.

    planned: the plan of the part, whose nodes are not counted again.
    """
    alone, lines = replace(study, parts=(part,)), []
    if getattr(part.params, "tune", None):
        lines.append(_search(alone, part, planned))
    if getattr(part.params, "confirm", None):
        fresh = plan_confirm(replace(alone, parts=(replace(part, claims=None),)))
        own = _own(fresh, fresh.nodes, planned)
        work = work_of(fresh, own)
        lines.append(
            f"`snakemake confirm` would add {len(own)} nodes: "
            f"{hours(work.cpu_hours + work.gpu_hours)} of jobs, {size(work.bytes)}"
        )
    return lines


def _search(study: Study, part: Part, planned: Plan) -> str:
    """What is left of the search, at most: each evaluation of a method as its dearest."""
    tune, search = part.params.tune, searches(study)[part.name]
    if not search.unfinished:
        return f"`w2s tune` is done: {sum(map(len, search.tried.values()))} evaluations"
    points = {method: dearest(part, method) for method in tune.methods}
    priced = plan_tune(study, {part.name: Search(points=points, unfinished=True)})
    rows = {row: drawn.measured for (_, row, _), drawn in priced.sets.items()}
    time = space = left = 0.0
    for method in tune.methods:
        each = [
            work_of(priced, _of_a_row(priced, rows[row_name(method, i)]))
            for i in range(len(points[method]))
        ]
        count = tune.evaluations - len(search.tried[method])
        time += count * max(work.cpu_hours + work.gpu_hours for work in each)
        space += count * max(work.bytes for work in each)
        left += count
    others = [
        k for k in _own(priced, priced.nodes, planned) if priced.nodes[k].kind not in OF_A_ROW
    ]
    rest = work_of(priced, others)
    time += rest.cpu_hours + rest.gpu_hours
    return (
        f"`w2s tune` would try {left:g} combinations of values, {tune.evaluations} of each method "
        f"with those that are there: at most {hours(time)} of jobs, {size(space + rest.bytes)}"
    )


def dearest(part: Part, method: str) -> list[Point]:
    """Points of a method among which is the one that costs most.

    Cost follows from where windows end and from which networks they read, not from weights.
    """
    frees = part.params.tune.methods[method].values()
    ends = [
        free.ends
        if hasattr(free, "among") or any("window" in at or "steps" in at for at in free.at)
        else (free.start,)
        for free in frees
    ]
    return list(product(*ends))


def _own(priced: Plan, keys: Iterable[str], planned: Plan) -> list[str]:
    """Those of some nodes that neither the part has nor the store."""
    return [
        key
        for key in keys
        if key not in planned.nodes and not folders.present(priced.nodes[key].kind, key)
    ]


def _of_a_row(priced: Plan, measured: Iterable[str]) -> list[str]:
    """The nodes that a row would have if it shared none with others, parents after children."""
    found, todo = dict.fromkeys(measured), list(measured)
    while todo:
        for keys in priced.nodes[todo.pop()].inputs.values():
            for key in keys:
                if priced.nodes[key].kind in OF_A_ROW and key not in found:
                    found[key] = None
                    todo.append(key)
    return list(found)

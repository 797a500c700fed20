"""The search for a part's guidance, as a part of its own: a row for each point that is tried.

A round is what the search can try at once.  Its rows are planned from the rounds before it, whose
values were read beforehand: a plan depends on no result that is made while it runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from w2s.metrics.registry import METRICS
from w2s.metrics.score_registry import SCORES
from w2s.params.confirm import spelled
from w2s.params.parts import Part
from w2s.params.tune import Tune
from w2s.plan.facts import table_facts
from w2s.plan.plan import Plan
from w2s.plan.published import Group
from w2s.plan.rows import Rows
from w2s.tuning.paths import with_values
from w2s.tuning.search import Point, best, edges, proposals

TUNE = "tune"
BASELINE = "none"
TITLE = "All that the search tried, on seeds that no other table uses"
Values = dict[str, dict[Point, float]]  # by method: what the deciding column was at each point
Asked = dict[str, list[Point]]  # by method: the points of a round


@dataclass
class Search:
    """The rounds of a search, and the points of each method in the order in which they came up."""

    rounds: list[Asked] = field(default_factory=list)  # the last one is to come, if `unfinished`
    points: dict[str, list[Point]] = field(default_factory=dict)
    tried: Values = field(default_factory=dict)
    unfinished: bool = False

    def chosen(self, method: str, better: str) -> Point:
        """The best point of a method."""
        return best(_lowered(self.tried[method], better))

    def open_ends(self, tune: Tune, method: str) -> list[str]:
        """Names of numbers for which nothing was tried on one side of the chosen value."""
        lowered = _lowered(self.tried[method], better_of(tune))
        names = list(tune.methods[method])
        return [names[place] for place in edges(tune.space(method), lowered)]


def better_of(tune: Tune) -> str:
    """Which side of the column that decides is better."""
    return (METRICS | SCORES)[tune.by].better


def replayed(tune: Tune, found: Sequence[Values]) -> Search:
    """The search after the rounds that were found, and the round that is next.

    A round that is not what the search would have tried ends what counts.
    """
    search = Search(tried={method: {} for method in tune.methods})
    search.points = {method: [] for method in tune.methods}
    for values in [*found, None]:
        asked = _next_round(tune, search.tried)
        if not asked:
            break
        search.rounds.append(asked)
        for method, points in asked.items():
            search.points[method] += points
        if values is None or {m: list(at) for m, at in values.items()} != asked:
            search.unfinished = True
            break
        for method, at in values.items():
            search.tried[method] |= at
    return search


def _next_round(tune: Tune, tried: Values) -> Asked:
    better = better_of(tune)
    asked = {
        method: proposals(tune.space(method), _lowered(tried[method], better), tune.evaluations)
        for method in tune.methods
    }
    return {method: points for method, points in asked.items() if points}


def _lowered(tried: dict[Point, float], better: str) -> dict[Point, float]:
    sign = 1 if better == "lower" else -1
    return {point: sign * value for point, value in tried.items()}


def row_name(method: str, number: int) -> str:
    """The row of the number-th point of a method, from 0."""
    return f"{method}.{number + 1:02}"


def trials(part: Part, search: Search) -> Part:
    """The part whose only table has a row for every point of the search."""
    params, tune = part.params, part.params.tune
    guidance, rows = {}, {BASELINE: {"label": "no guidance", "model": tune.model}}
    for method, points in search.points.items():
        for number, point in enumerate(points):
            name = row_name(method, number)
            values = tune.placed(method, point)
            guidance[name] = with_values(params.guidance[method], values)
            said = ", ".join(
                f"{key} {spelled(value)}"
                for key, value in zip(tune.methods[method], point, strict=True)
            )
            label = f"{method}: {said}"
            rows[name] = {"label": label, "model": tune.model, "guidance": name}
    table = type(next(iter(params.tables.values()))).model_validate(
        {"title": TITLE, "columns": tune.columns, "baseline": BASELINE, "rows": rows}
    )
    changes = {
        "tables": {part.own(TUNE): table},
        "guidance": guidance,
        "sampling": params.sampling.model_copy(update=tune.drawn()),
    }
    origins = {("tables", part.own(TUNE)): ("tune", "methods")}
    return replace(part, params=params.model_copy(update=changes), origins=origins)


def round_path(part: str, number: int) -> str:
    """Where the values of a round are, counted from 1."""
    return f"results/tune/{part}/round-{number:02}.json"


def plan_tune_of(part: Part, rows: Rows, search: Search) -> Plan:
    """The plan of a part's search so far, with a group for every round and one for its outcome."""
    other = trials(part, search)
    planned = rows.sampled(other)
    name = part.own(TUNE)
    facts = {row: rows.facts(other, planned, name, row) for row in other.params.tables[name].rows}
    heading = {"table": asdict(table_facts(other, planned, name)), "by": part.params.tune.by}
    written = {row: asdict(fact) for row, fact in facts.items()}
    place = dict.fromkeys(search.points, 0)
    for number, asked in enumerate(search.rounds, 1):
        shown = {}
        for method, points in asked.items():
            names = [row_name(method, place[method] + i) for i in range(len(points))]
            place[method] += len(points)
            shown[method] = [list(pair) for pair in zip(names, points, strict=True)]
        named = [row for pairs in shown.values() for row, _ in pairs]
        _add(
            planned,
            f"{TUNE}/{part.name}/{number}",
            (round_path(part.name, number),),
            [key for row in named for key in facts[row].measured],
            heading | {"round": number, "asked": shown, "rows": [written[row] for row in named]},
        )
    if not search.unfinished:
        _add(
            planned,
            f"tuned/{part.name}",
            (
                *(f"results/tables/{name}.{end}" for end in ("csv", "md", "tex")),
                *(f"results/figures/{name}-{c}.png" for c in _pictures(part.params.tune)),
            ),
            [key for fact in facts.values() for key in fact.measured],
            heading | {"rows": list(written.values()), "chosen": _chosen(part.params.tune, search)},
        )
    return planned


def _add(planned: Plan, name: str, paths, needs, facts: dict) -> None:
    planned.groups[name] = Group(name, tuple(paths), tuple(dict.fromkeys(needs)), facts)


def _pictures(tune: Tune) -> list[str]:
    """The columns that the deciding one is drawn against."""
    return [column for column in tune.columns if column not in (tune.by, "forwards")]


def _chosen(tune: Tune, search: Search) -> dict[str, dict]:
    """Of each method its rows in the order tried, which is the best, and what is open there."""
    better = better_of(tune)
    return {
        method: {
            "rows": [row_name(method, i) for i in range(len(points))],
            "best": row_name(method, points.index(search.chosen(method, better))),
            "open": search.open_ends(tune, method),
        }
        for method, points in search.points.items()
    }

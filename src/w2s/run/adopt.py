"""`w2s adopt`: what the search chose, entered under guidance in the scale's file."""

from __future__ import annotations

import datetime
from pathlib import Path

from w2s.errors import UserError
from w2s.files import write_text
from w2s.keypaths import KeyPath
from w2s.params.adopted import Adopted, Chosen, adopted_path
from w2s.params.parts import Part, Study
from w2s.plan.study import plan_tune
from w2s.plan.tune import Search, better_of, row_name
from w2s.run.scale_text import NotThere, replaced
from w2s.store.searches import searches
from w2s.tuning.paths import parsed, value_at


def adopt(study: Study) -> str:
    """Enter the chosen values of every part; returns what was changed, in words.

    The values go where the file has others, and nothing else of it changes; the day, and the nodes
    that they rest on, go into a file beside it.

    Raises:
        UserError: a search is not finished, or a value has no place in the file: then nothing is
            written.
    """
    found = searches(study)
    if not found:
        raise UserError("no part of this study has a block tune in its file; nothing to adopt")
    parts = [part for part in study.parts if part.name in found]
    for part in parts:
        _refuse_unfinished(part, found[part.name])
    changes = [(part, *_changed(study, part, found[part.name])) for part in parts]
    lines = []
    for part, text, record in changes:
        file = _own_file(part)
        write_text(file, text)
        write_text(adopted_path(file), record.model_dump_json(indent=1) + "\n")
        lines += _said(part, record, found[part.name])
    return "\n".join(lines)


def _refuse_unfinished(part: Part, search: Search) -> None:
    if search.unfinished:
        tried = sum(map(len, search.tried.values()))
        wanted = part.params.tune.evaluations * len(part.params.tune.methods)
        raise UserError(
            f"the search of part {part.name} is not finished: {tried} of {wanted} evaluations are "
            "there; run `w2s tune`"
        )


def _changed(study: Study, part: Part, search: Search) -> tuple[str, Adopted]:
    """The file with the chosen values, and the record of them."""
    tune, file = part.params.tune, _own_file(part)
    better, planned = better_of(tune), plan_tune(study, {part.name: search})
    rows = planned.groups[f"tuned/{part.name}"].facts["rows"]
    measured = {row["name"]: row["measured"] for row in rows}
    methods, values = {}, {}
    for method in tune.methods:
        point = search.chosen(method, better)
        placed = tune.placed(method, point)
        keys = measured[row_name(method, search.points[method].index(point))]
        values |= {key_of(method, place): value for place, value in placed.items()}
        methods[method] = Chosen(
            values=placed,
            value=search.tried[method][point],
            evaluations=len(search.tried[method]),
            nodes=tuple((planned.nodes[key].kind, key) for key in keys),
        )
    try:
        text = replaced(file.read_bytes().decode("utf-8"), values)
    except NotThere as error:
        raise UserError(
            f"{file}: {error}; write the entry out in this file, with any value, and adopt again"
        ) from None
    today = datetime.date.today().isoformat()
    return text, Adopted(date=today, by=tune.by, methods=methods)


def key_of(method: str, place: str) -> KeyPath:
    """The path in the part's file of a place in an entry under guidance."""
    return ("guidance", method, *parsed(place))


def _own_file(part: Part) -> Path:
    """The part's own file, the last that its keys are read from.

    Raises UserError where data are given in the place of the scale's, which lie over that file.
    """
    name, last = part.layers.stack[-1]
    if last.keys() == {"data"}:
        raise UserError(
            f"{name}: data stand in the place of the scale's; drop them, and adopt again"
        )
    return Path(name)


def _said(part: Part, record: Adopted, search: Search) -> list[str]:
    """What changed, what the search left open, and labels that may speak of other values."""
    tune, guidance, lines, changed = part.params.tune, part.params.guidance, [], set()
    for method, chosen in record.methods.items():
        for place, value in chosen.values.items():
            old = value_at(guidance[method], place)
            if old != value:
                changed.add(method)
                lines.append(f"guidance.{method}.{place}: {old} -> {value}")
        if open_ends := search.open_ends(tune, method):
            lines.append(f"{method}: nothing was tried on one side of {', '.join(open_ends)}")
    for name, table in part.params.tables.items():
        for row, block in table.rows.items():
            if block.guidance in changed and block.label and any(map(str.isdigit, block.label)):
                lines.append(f"tables.{name}.rows.{row}: see to its label, '{block.label}'")
    return [f"{_own_file(part)}: {line}" for line in lines or ["nothing to change"]]

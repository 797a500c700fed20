"""Searches as they are: the rounds that are written, and the plan that follows from them."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

from w2s.params.parts import Part, Study
from w2s.plan.plan import Plan
from w2s.plan.study import plan_tune
from w2s.plan.tune import TUNE, Search, Values, replayed, round_path
from w2s.store.keys import carried_key
from w2s.strict import frozen


def planned_search(study: Study) -> Plan:
    """The plan of every part's search: its rounds so far, and the next or the outcome."""
    return plan_tune(study, searches(study))


def searches(study: Study) -> dict[str, Search]:
    """The search of each part that has one, as far as it is."""
    return {
        part.name: _search(study, part)
        for part in study.parts
        if getattr(part.params, "tune", None)
    }


def _search(study: Study, part: Part) -> Search:
    """The search after the rounds that still are what is planned.

    A round that was written for other networks, samples or starts does not count, nor do those
    after it; its samples are in the store, as far as they are the same.
    """
    tune, found = part.params.tune, read_rounds(part)
    search = replayed(tune, found)
    if not found:
        return search
    groups = plan_tune(study, {part.name: search}).groups
    for number in range(1, len(found) + 1):
        group = groups.get(f"{TUNE}/{part.name}/{number}")
        if group is None or carried_key(Path(group.paths[0])) != group.key:
            return replayed(tune, found[: number - 1])
    return search


def read_rounds(part: Part) -> list[Values]:
    """The values in the files of a part's rounds, from the first to the last that can be read."""
    rounds = []
    for number in count(1):
        try:
            said = json.loads(Path(round_path(part.name, number)).read_text(encoding="utf-8"))
            rounds.append(
                {
                    method: {frozen(one["point"]): one["value"] for one in tried}
                    for method, tried in said["methods"].items()
                }
            )
        except (OSError, ValueError, KeyError, TypeError):
            return rounds  # absent, or not whole: it is made again

"""A small search, the values that its rounds are given, and the files that hold them."""

import json
import math
from pathlib import Path

from w2s.store.searches import planned_search, searches

WEIGHT = {"start": 1.5, "factor": 1.25, "within": [1, 20]}
SWITCH = {"at": ["0.window.0", "1.window.1"], "start": 0.5, "step": 0.25, "within": [0.2, 0.8]}
TUNE = {
    "model": "base",
    "seeds": [50, 51],
    "per_seed": 12,
    "evaluations": 5,
    "columns": ["fd", "accuracy", "forwards"],
    "methods": {
        "cfg": {"weight": {"at": "weight"} | WEIGHT},
        "sgg": {"upper": {"at": "0.weight"} | WEIGHT, "switch": SWITCH},
    },
}
CONFIRM = {"seeds": list(range(60, 70))}


def surface(method: str, point) -> float:
    """Best at weight 3 for cfg; at 1.875 and a late switch for sgg."""
    if method == "cfg":
        return 1 + math.log(point[0] / 3) ** 2
    weight, switch = point
    return math.log(weight / 1.875) ** 2 + (switch - 0.75) ** 2


def write_round(study, part: str = "pictures", values=surface) -> bool:
    """Write the file of the round that is next, as publishing it would; False if there is none."""
    search = searches(study)[part]
    if not search.unfinished:
        return False
    groups = planned_search(study).groups
    group = groups[f"tune/{part}/{len(search.rounds)}"]
    methods = {
        method: [{"point": list(point), "value": values(method, point)} for point in points]
        for method, points in search.rounds[-1].items()
    }
    (path,) = map(Path, group.paths)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"w2s-key": group.key, "methods": methods}))
    return True


def finish(study, part: str = "pictures", values=surface) -> int:
    """Write all rounds; how many."""
    count = 0
    while write_round(study, part, values):
        count += 1
    return count

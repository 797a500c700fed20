"""Keys of the shipped studies stay what they were unless results change.

After a change that is meant to rename nodes: `python tests/plan/test_recorded_keys.py` records the
keys anew; the difference in recorded_keys.json then shows which nodes have other names.
"""

import builtins
import json
import math
from collections import defaultdict
from pathlib import Path

import pytest

from w2s.params.load import load_study
from w2s.plan.study import plan, plan_sweep

HOME = Path(__file__).parents[2]
RECORD = Path(__file__).with_name("recorded_keys.json")


def keys_of(scale: str) -> dict[str, list[str]]:
    """Keys of a shipped study and its sweep, with their labels, by kind."""
    study = load_study(HOME / "params.yaml", {"scale": scale})
    found: dict[str, list[str]] = defaultdict(list)
    for key, node in plan(study).joined(plan_sweep(study)).nodes.items():
        found[node.kind].append(f"{key} {node.label}".rstrip())
    return {kind: sorted(lines, key=lambda line: line[16:]) for kind, lines in found.items()}


@pytest.mark.parametrize("scale", ["smoke", "mini", "paper"])
def test_nothing_has_another_name(scale, monkeypatch):
    monkeypatch.chdir(HOME)
    assert keys_of(scale) == json.loads(RECORD.read_text())[scale]


def test_no_name_hangs_on_how_a_python_adds_floats(monkeypatch):
    """`sum` rounds once per term before Python 3.12 and once in all since; `math.fsum` does not."""

    def names() -> set[str]:
        planned = plan(load_study(HOME / "params.yaml", {"scale": "mini"}))
        return {*planned.nodes, *(group.key for group in planned.groups.values())}

    def exact(values, start=0):
        values = [start, *values]
        return math.fsum(values) if any(type(v) is float for v in values) else added(values)

    monkeypatch.chdir(HOME)
    added, before = sum, names()
    monkeypatch.setattr(builtins, "sum", exact)
    assert names() == before


if __name__ == "__main__":
    recorded = {scale: keys_of(scale) for scale in ("smoke", "mini", "paper")}
    RECORD.write_text(json.dumps(recorded, indent=0) + "\n")

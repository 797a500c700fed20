"""What the plan says that sharing saves, and what a segment's name depends on."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from w2s.guidance.methods.cfg import CFG
from w2s.guidance.windows import Guidance
from w2s.params.load import load_study
from w2s.params.pictures import Row, Table
from w2s.plan.study import plan
from w2s.run.overview import overview

ROOT = Path(__file__).parents[2]
STEPS, SWITCHES = 28, (4, 8, 12, 14, 16, 20, 24)


def sgg(switch):
    windows = [
        {"method": "cfg", "weight": 4.5, "steps": [0, switch]},
        {"method": "skip_layer", "weight": 4.0, "blocks": [7, 8, 9], "steps": [switch, STEPS]},
    ]
    return TypeAdapter(Guidance).validate_python(windows)


def study_of(switches):
    """SGG on 24 blocks, one row per switch point."""
    study = load_study(ROOT / "params.yaml", {"scale": "smoke"})
    part = study.part()
    params = part.params
    rows = {f"sgg-{s}": Row(model="base", guidance=f"sgg-{s}") for s in switches}
    network = params.models["mini"].model_copy(update={"depth": 24})
    changes = {
        "models": params.models | {"mini": network},
        "guidance": {f"sgg-{s}": sgg(s) for s in switches},
        "sampling": params.sampling.model_copy(update={"steps": STEPS}),
        "tables": {"t": Table(title="t", columns=("fd",), baseline=min(rows), rows=rows)},
        "sweep": None,
        "tune": None,
        "confirm": None,
        "probes": {},
        "figures": {},
    }
    changed = replace(part, params=params.model_copy(update=changes), claims=None)
    return replace(study, parts=(changed,))


@pytest.fixture(autouse=True)
def _empty_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_sweep_over_the_switch_point_costs_its_distinct_steps():
    """24 steps of 2 forwards that all share, and 98 steps of 38/24 of their own."""
    shown = overview(study_of(SWITCHES), nodes=False)
    assert "forwards per sample: 203.17; without shared segments 351.17;" in shown
    assert "without shared blocks too 379.75" in shown  # 98 x 2 + 98 x 45/24


def test_one_run_forks_and_shares_nothing():
    assert "per sample: 50.17; without shared segments 50.17;" in overview(study_of([14]), False)


def test_the_plan_samples_each_distinct_stretch_once():
    planned = plan(study_of(SWITCHES))
    segments = [node for node in planned.nodes.values() if node.kind == "segment"]
    stops = sorted(node.spec["stop"] for node in segments)
    assert stops == [*SWITCHES[:-1], *[STEPS] * len(SWITCHES)]


def segment_keys():
    planned = plan(study_of([14]))
    return {n.spec["stop"]: n.key for n in planned.nodes.values() if n.kind == "segment"}


def test_a_method_of_another_version_gives_other_segments(monkeypatch):
    before = segment_keys()
    monkeypatch.setattr(CFG, "version", 2)
    after = segment_keys()
    assert before.keys() == after.keys()
    assert all(before[stop] != after[stop] for stop in before)

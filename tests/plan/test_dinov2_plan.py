"""FD-DINOv2 in plans: a second network beside the first, which renames and repeats nothing."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from tiny_text import TEXT, changed, write

from w2s.params.load import load_study
from w2s.plan.facts import RowFacts
from w2s.plan.study import plan
from w2s.report.cells import build_cell
from w2s.report.rows import table_of
from w2s.run.overview import overview

SMALL = yaml.safe_load((Path(__file__).parents[1] / "workflow/small.yaml").read_text())
COLUMNS = ("tables", "guidance", "columns")
TINY = {"path": "dinov2.pth", "width": 64, "depth": 2}
METRICS = SMALL["metrics"] | {"metrics": ["fd", "accuracy", "fd_dinov2"]}
BOTH = SMALL | {"metrics": METRICS, "dinov2": TINY}
PROMPTED = ("tables", "prompted", "columns")
TEXT_BOTH = TEXT | {
    "metrics": {"metrics": ["fd", "sfd", "fd_dinov2"], "batch": 8},
    "features": {"kind": "inception-v3-compat", "path": "inception.pth"},
    "dinov2": TINY,
    "reference": {"kind": "folder", "path": "photos", "resolution": 64, "count": 5},
}


@pytest.fixture
def planned_with(tmp_path, monkeypatch):
    """The plan of a part, with values at some paths changed."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("scale: words\n")

    def planned_with(study, *changes):
        for path, value in changes:
            study = changed(study, path, value)
        name = study.get("part", "pictures")
        write(tmp_path, study | {"part": name}, "words", name)
        return plan(load_study(Path("params.yaml")))

    return planned_with


def bring(*names):
    for name in names:
        if name == "photos":
            Path("photos").mkdir()
            Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save("photos/one.png")
        else:
            Path(name).write_text(name)


def new_in(after, before) -> list:
    return [after.nodes[key] for key in after.nodes.keys() - before.nodes.keys()]


def rows_of(planned) -> dict[str, RowFacts]:
    groups = planned.groups.items()
    prefix = "cells/guidance/"
    return {n.removeprefix(prefix): RowFacts(**g.facts["row"]) for n, g in groups if prefix in n}


def test_beside_pictures_it_adds_its_own_nodes_alone(planned_with):
    before = planned_with(SMALL, (("metrics", "metrics"), ["fd", "accuracy"]))
    waiting = planned_with(BOTH, (COLUMNS, ["fd", "fd_dinov2"]))
    assert waiting.nodes.keys() == before.nodes.keys()
    bring("dinov2.pth")
    after = planned_with(BOTH, (COLUMNS, ["fd", "fd_dinov2"]))
    assert before.nodes.keys() < after.nodes.keys()
    new = new_in(after, before)
    rows = ["held-out images", "none", "cfg", "ag", "sgg"]
    measured = [f"evaluate {row}, dinov2" for row in rows]
    assert sorted(n.label or n.kind for n in new) == sorted(["features", "reference", *measured])
    for node in (node for node in new if node.kind == "metrics"):
        assert node.spec == {"metrics": ["fd_dinov2"], "batch": 240}
        seen = [after.nodes[node.parents[role][0]] for role in ("features", "reference")]
        assert seen[0].spec.items() >= {"kind": "dinov2", "width": 64, "depth": 2}.items()
        assert seen[1].parents["features"] == node.parents["features"]


def test_a_column_of_pictures_says_what_it_waits_for(planned_with):
    planned = planned_with(BOTH, (COLUMNS, ["fd", "fd_dinov2"]))
    assert "score fd_dinov2 waits for dinov2.pth" in overview(
        load_study(Path("params.yaml")), nodes=False
    )
    table = table_of(planned.groups["cells/guidance/cfg"])
    for row in rows_of(planned).values():
        assert (row.measuring("fd"), row.measuring("fd_dinov2")) == (row.measured, [])
        cell = build_cell(table, row, "fd_dinov2", [], None if row.name == "none" else [])
        assert cell["unavailable"] == "not available: dinov2.pth"
        assert (cell["value"], cell["n"], cell["seeds"]) == (None, 12, [0, 1])
        assert "prompts" not in cell


def test_a_part_that_asks_for_no_such_column_says_what_it_said(planned_with):
    before = planned_with(SMALL, (("metrics", "metrics"), ["fd", "accuracy"]))
    after = planned_with(BOTH)
    assert after.nodes.keys() == before.nodes.keys()
    keys = [{name: group.key for name, group in p.groups.items()} for p in (before, after)]
    assert keys[0] == keys[1]


def test_each_training_seed_has_its_own_distance(planned_with):
    bring("dinov2.pth")
    changes = (COLUMNS, ["fd", "fd_dinov2"]), (("training", "seeds"), [0, 1])
    row = rows_of(planned_with(BOTH, *changes))["cfg"]
    assert len(row.measured) == len(set(row.measured)) == 4
    first, second = row.measuring("fd"), row.measuring("fd_dinov2")
    assert len(first) == len(second) == 2
    assert {*first, *second} == {*row.measured}
    assert json.dumps(asdict(row))


def test_statistics_of_inception_have_images_beside_them(planned_with):
    bring("dinov2.pth", "inception.pth", "adm.npz")
    adm = (
        (("features",), {"kind": "inception-v3-compat", "path": "inception.pth"}),
        (("reference",), {"kind": "adm", "path": "adm.npz"}),
        (("metrics", "metrics"), ["fd", "fd_dinov2"]),
        (("tables",), {"guidance": SMALL["tables"]["guidance"] | {"columns": ["fd", "fd_dinov2"]}}),
        (("dinov2", "reference"), {"count": 50}),
    )
    planned = planned_with(BOTH, *adm)
    references = [node for node in planned.nodes.values() if node.kind == "reference"]
    kinds = {planned.nodes[n.parents["features"][0]].spec["kind"]: n.spec for n in references}
    assert kinds["inception-v3-compat"]["kind"] == "adm"
    assert (kinds["dinov2"]["kind"], kinds["dinov2"]["count"]) == ("images", 50)


def test_beside_prompts_each_network_waits_for_its_own_file(planned_with):
    columns = (PROMPTED, ["saturation", "fd", "fd_dinov2"])
    bring("photos")
    before = planned_with(TEXT_BOTH, columns)
    said = before.groups["cells/prompted/cfg"].facts["row"]["unavailable"]
    assert said == {"fd": "inception.pth", "fd_dinov2": "dinov2.pth"}
    bring("dinov2.pth")
    one = planned_with(TEXT_BOTH, columns)
    assert one.groups["cells/prompted/cfg"].facts["row"]["unavailable"] == {"fd": "inception.pth"}
    assert {node.label or node.kind for node in new_in(one, before)} == {
        "features", "index", "reference",
        *(f"evaluate {row}, dinov2" for row in ("none", "cfg", "sgg")),
    }  # fmt: skip
    bring("inception.pth")
    both = planned_with(TEXT_BOTH, columns)
    assert one.nodes.keys() < both.nodes.keys()
    assert {node.label or node.kind for node in new_in(both, one)} == {
        "features", "reference", *(f"evaluate {row}" for row in ("none", "cfg", "sgg"))
    }  # fmt: skip
    row = RowFacts(**both.groups["cells/prompted/cfg"].facts["row"])
    (first,), (second,) = row.measuring("fd"), row.measuring("fd_dinov2")
    assert both.nodes[first].spec["metrics"] == ["fd", "sfd"]
    assert both.nodes[second].spec["metrics"] == ["fd_dinov2"]
    assert both.nodes[first].parents["decoded"] == both.nodes[second].parents["decoded"]


@pytest.mark.parametrize("study", [BOTH, TEXT_BOTH], ids=["pictures", "text"])
def test_a_larger_network_asks_for_more(planned_with, study):
    bring("photos", "dinov2.pth", "inception.pth")
    table, row = ("guidance", "cfg") if study is BOTH else ("prompted", "cfg")
    columns = ("tables", table, "columns"), ["fd", "fd_dinov2"]
    asked = {}
    for width, depth in ((64, 2), (1024, 24)):
        size = (("dinov2", "width"), width), (("dinov2", "depth"), depth)
        planned = planned_with(study, columns, *size)
        rows = RowFacts(**planned.groups[f"cells/{table}/{row}"].facts["row"])
        (key,) = rows.measuring("fd_dinov2")
        others = [key, *(planned.nodes[key].parents[r][0] for r in ("features", "reference"))]
        asked[width] = [planned.resources(k) for k in others]
        asked[width, "fd"] = planned.resources(rows.measuring("fd")[0])
    for small, large in zip(asked[64], asked[1024], strict=True):
        assert small.mem_mb + 2000 < large.mem_mb  # 0.3 billion weights
    assert asked[64][0].minutes < asked[1024][0].minutes
    assert asked[64, "fd"] == asked[1024, "fd"]

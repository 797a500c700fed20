"""A study of several parts: what they share, what they publish, and one part alone."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from tiny_study import DELETE

from w2s.cli import main
from w2s.errors import UserError
from w2s.params.kinds import PART_KINDS
from w2s.params.pictures import PictureParams
from w2s.params.reference import reference_text
from w2s.params.schema import schema_text
from w2s.plan.study import PLANNERS, plan, plan_sweep, planner_of
from w2s.run.start import priorities, start

FILE = Path("params.yaml")
SHARED = {"images", "index", "vae", "latents", "features", "reference", "train", "weights"}


def alone(study) -> dict:
    """The plan of each part, its sweep included."""
    return {
        part.name: planner_of(part).plan(part).joined(planner_of(part).plan_sweep(part))
        for part in study.parts
    }


def whole(study):
    return plan(study).joined(plan_sweep(study))


def test_what_is_alike_in_two_parts_is_one_node(two_parts):
    study = two_parts.load(scale="two")
    plans = alone(study)
    pictures, again = plans["pictures"].nodes, plans["again"].nodes
    shared = pictures.keys() & again.keys()
    assert {pictures[key].kind for key in shared} == SHARED
    own = [again[key] for key in again.keys() - shared]
    assert [node.label for node in own if node.kind == "train"] == ["train br"]
    assert whole(study).nodes.keys() == pictures.keys() | again.keys()


def test_a_part_has_the_keys_that_it_has_in_a_file(two_parts):
    small = two_parts.plan(scale="two", parts="pictures")
    assert small.nodes.keys() <= two_parts.plan(scale="smoke").nodes.keys()


def test_parents_and_helpers_come_before_children_in_all_parts(two_parts):
    seen = set()
    for key, node in whole(two_parts.load(scale="two")).nodes.items():
        assert all(parent in seen for keys in node.inputs.values() for parent in keys)
        seen.add(key)


def test_one_part_plans_exactly_its_own_nodes(two_parts):
    plans = alone(two_parts.load(scale="two"))
    for name, planned in plans.items():
        chosen = whole(two_parts.load(scale="two", parts=name))
        assert chosen.nodes.keys() == planned.nodes.keys()
        assert {g.name: g.key for g in chosen.groups.values()} == {
            g.name: g.key for g in planned.groups.values()
        }


def test_published_names_of_another_part_carry_its_name(two_parts):
    groups = whole(two_parts.load(scale="two")).groups
    paths = [path for group in groups.values() for path in group.paths]
    assert len(set(paths)) == len(paths)
    assert groups["figure/curves"].paths == ("results/figures/training-curves.png",)
    assert groups["figure/curves-again"].paths == ("results/figures/training-curves-again.png",)
    assert "results/tables/weights-again.csv" in groups["sweep/weights-again"].paths
    assert groups["sweep/weights-again"].facts["table"]["name"] == "weights-again"
    assert "results/tables/weights.csv" in groups["sweep/weights"].paths
    assert {"table/guidance", "table/trained", "cells/trained/br"} <= groups.keys()


def test_every_part_starts_with_its_own_tables_and_sweep(two_parts):
    started = start(FILE, {"scale": "two"})
    assert [name for name in started.columns if "confirm" not in name] == ["guidance", "trained"]
    assert started.sweep == ("sweep/weights", "sweep/weights-again")
    own = start(FILE, {"scale": "two", "parts": "again"})
    assert own.sweep == ("sweep/weights-again",)


def test_the_pictures_lead_and_the_others_follow(two_parts):
    planned = plan(two_parts.load(scale="two"))
    place = priorities(planned, last="trained")
    first, second = (
        [place[one.metrics] for (name, *_), one in planned.sets.items() if name == table]
        for table in ("guidance", "trained")
    )
    assert min(first) > max(second)


def test_the_overview_has_a_heading_per_part(two_parts, capsys):
    assert main(["plan", "--scale", "two"]) == 0
    out = capsys.readouterr().out
    planned = plan(two_parts.load(scale="two"))
    assert f"scale two, parts pictures, again: {len(planned.nodes)} nodes" in out
    assert out.count("part pictures, data set mini world") == 1
    assert out.count("part again, data set mini world") == 1
    assert main(["plan", "--scale", "two", "--parts", "again"]) == 0
    one = capsys.readouterr().out
    assert one.startswith("scale two, data set mini world: ")
    assert "part again" not in one


class DrawingParams(PictureParams):
    """Another kind of part, which differs from pictures in its name and its checks alone."""

    part: Literal["drawings"] = "drawings"


@pytest.fixture
def with_drawings(two_parts, monkeypatch):
    """The part "again" is of a kind that two entries have made known."""
    pictures = PART_KINDS["pictures"]
    drawings = replace(
        pictures,
        params=DrawingParams,
        own_images=False,
        mistakes=lambda params: [(("models",), "too few")] if len(params.models) < 2 else [],
    )
    monkeypatch.setitem(PART_KINDS, "drawings", drawings)
    monkeypatch.setitem(PLANNERS, "drawings", PLANNERS["pictures"])
    two_parts.change("two/again", part="drawings")
    return two_parts


def test_a_kind_of_part_is_an_entry_where_it_is_read_and_one_where_it_is_planned(
    with_drawings, capsys
):
    study = with_drawings.load(scale="two")
    assert [type(part.params) for part in study.parts] == [PictureParams, DrawingParams]
    assert len(whole(study).sets) == sum(len(planned.sets) for planned in alone(study).values())
    assert main(["plan", "--scale", "two"]) == 0
    assert "part again" in capsys.readouterr().out
    assert "`part: drawings`" in reference_text()
    assert "DrawingParams" in schema_text()


def test_each_kind_has_its_own_checks(with_drawings):
    with_drawings.edit(("models", "small"), DELETE, "scales/two/again.yaml")
    with pytest.raises(UserError, match=r"again\.yaml: models: too few"):
        with_drawings.load(scale="two")


def test_images_of_ones_own_go_to_the_kinds_that_take_them(with_drawings, tmp_path):
    (tmp_path / "pets/cats").mkdir(parents=True)
    study = with_drawings.load(scale="two", data="pets")
    assert [part.data["name"] for part in study.parts] == ["pets", "mini world"]
    with pytest.raises(UserError, match="command line: data: no part that is run reads images"):
        with_drawings.load(scale="two", data="pets", parts="again")

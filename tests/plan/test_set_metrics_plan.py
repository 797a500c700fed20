"""Metrics of a text part's images as a set: their nodes, what they share and what they wait for."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from tiny_made import MADE, WORLD
from tiny_text import TEXT, changed, write

from w2s.errors import UserError
from w2s.params.load import load_study
from w2s.plan.study import plan, planner_of
from w2s.run.overview import overview
from w2s.run.start import refuse_absent_files

SMALL = Path(__file__).parents[1] / "workflow/small.yaml"
COLUMNS = ("tables", "prompted", "columns")
GIVEN = changed(TEXT, COLUMNS, ["fd", "saturation"]) | {
    "metrics": {"metrics": ["fd", "sfd"], "batch": 8},
    "features": {"kind": "inception-v3-compat", "path": "inception.pth"},
    "reference": {"kind": "folder", "path": "photos", "resolution": 64, "count": 5},
}


@pytest.fixture
def planned_with(tmp_path, monkeypatch):
    """The plan of a study, with values at some paths changed."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text("scale: words\n")

    def planned_with(study, *changes):
        for path, value in changes:
            study = changed(study, path, value)
        write(tmp_path, study)
        return plan(load_study(Path("params.yaml")))

    return planned_with


def bring_files():
    Path("photos").mkdir()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save("photos/one.png")
    Path("inception.pth").write_text("weights")


def of_kind(planned, kind) -> list:
    return [node for node in planned.nodes.values() if node.kind == kind]


def kinds(planned, keys) -> set[str]:
    return {planned.nodes[key].kind for key in keys}


def test_a_new_column_of_a_set_draws_decodes_and_scores_nothing(planned_with):
    table = ("tables", "captioned", "columns")
    before = planned_with(MADE, (table, ["words", "clip_made"]), (("metrics",), None))
    after = planned_with(MADE, (table, ["words", "clip_made", "fd"]))
    assert before.nodes.keys() < after.nodes.keys()
    assert kinds(after, after.nodes.keys() - before.nodes.keys()) == {"metrics", "reference"}


def test_images_are_decoded_once_for_scores_and_metrics(planned_with):
    planned = planned_with(MADE)
    for row in ("none", "cfg", "ag"):
        nodes = [planned.nodes[key] for key in planned.sets["captioned", row, 0].measured]
        assert [node.kind for node in nodes] == ["score"] * 3 + ["metrics"]
        assert len({node.parents["decoded"] for node in nodes}) == 1
        facts = planned.groups[f"cells/captioned/{row}"].facts["row"]
        assert facts["scored"]["fd"] == [nodes[-1].key]
        assert nodes[-1].key in planned.groups[f"cells/captioned/{row}"].needs
    assert nodes[-1].spec == {"metrics": ["fd"], "batch": 4}
    assert nodes[-1].parents["features"] == (of_kind(planned, "features")[0].key,)


def test_the_reference_is_that_of_a_part_with_pictures(planned_with, tmp_path):
    pictures = yaml.safe_load(SMALL.read_text())
    blocks = ("data", "vae", "latents", "features")
    world = WORLD | {name: pictures[name] for name in blocks}
    settings = pictures["metrics"] | {"metrics": ["fd"]}
    write(tmp_path, pictures, "words", "pictures")
    changes = [(("world",), world), (("metrics",), settings)]
    changes += [(("reference",), pictures["reference"])] if "reference" in pictures else []
    both = planned_with(MADE, *changes)
    assert len(of_kind(both, "reference")) == 1
    alone = plan(load_study(Path("params.yaml"), {"parts": "text"}))
    (reference,) = of_kind(alone, "reference")
    assert reference.key in plan(load_study(Path("params.yaml"), {"parts": "pictures"})).nodes
    assert both.resources(reference.key) == alone.resources(reference.key)


def test_without_its_files_a_metric_is_not_available(planned_with):
    planned = planned_with(GIVEN)
    assert not of_kind(planned, "metrics") + of_kind(planned, "reference")
    row = planned.groups["cells/prompted/cfg"].facts["row"]
    assert row["unavailable"] == {"fd": "inception.pth, photos"}
    assert row["scored"].keys() == {"saturation"}
    assert "score fd waits for inception.pth, photos" in overview(
        load_study(Path("params.yaml")), nodes=False
    )
    Path("prompts.txt").write_text("a cat\na dog\n")


def test_files_that_come_add_their_metrics_and_nothing_else(planned_with):
    before = planned_with(GIVEN)
    bring_files()
    after = planned_with(GIVEN)
    assert before.nodes.keys() < after.nodes.keys()
    new = [after.nodes[key] for key in after.nodes.keys() - before.nodes.keys()]
    assert {node.label or node.kind for node in new} == {
        "features", "index", "reference", "evaluate none", "evaluate cfg", "evaluate sgg",
    }  # fmt: skip
    row = after.groups["cells/prompted/cfg"].facts["row"]
    assert row["unavailable"] == {}
    (index,), (reference,) = of_kind(after, "index"), of_kind(after, "reference")
    assert (index.spec["flat"], index.local) == (True, {"path": "photos"})
    assert reference.parents.keys() == {"features", "index"}
    assert (reference.spec["count"], reference.spec["resolution"]) == (5, 64)
    assert after.groups["table/prompted"].key != before.groups["table/prompted"].key


def test_published_statistics_stand_in_the_place_of_a_folder(planned_with):
    bring_files()
    adm = {"kind": "adm", "path": "inception.pth"}  # any file
    planned = planned_with(GIVEN, (("reference",), adm))
    (reference,) = of_kind(planned, "reference")
    assert reference.parents.keys() == {"features"}
    assert not of_kind(planned, "index")
    assert (reference.spec["kind"], reference.local) == ("adm", {"path": "inception.pth"})
    assert all(planned.resources(key).minutes for key in planned.nodes)


def test_a_file_that_is_named_by_hand_has_to_be_there(planned_with):
    """Its identity is known, so that its metrics are planned; the start misses the file."""
    named = [((name, "fingerprint"), "a") for name in ("features", "reference")]
    planned = planned_with(GIVEN, *named)
    assert of_kind(planned, "metrics")
    (Path("prompts.txt")).write_text("a cat\na dog\n")
    Path("sd3").mkdir()
    with pytest.raises(UserError, match="does not exist; put it there"):
        refuse_absent_files(planned)


def test_too_few_images_of_a_seed_are_refused_by_the_plan(planned_with):
    bring_files()
    with pytest.raises(UserError) as refused:
        planned_with(GIVEN, (("metrics", "metrics"), ["fd", "isc"]))
    assert str(refused.value) == (
        "scales/words/text.yaml: metrics: the images of a seed are 2, but the Inception score "
        "needs at least 10: raise their number or lower metrics.isc_splits."
    )


def test_more_work_asks_for_more(planned_with):
    bring_files()
    few = planned_with(GIVEN)
    many = planned_with(GIVEN, (("sampling", "per_prompt"), 10**6), (("metrics", "batch"), 10**4))
    asked = [planned.resources(of_kind(planned, "metrics")[0].key) for planned in (few, many)]
    assert asked[0].mem_mb < asked[1].mem_mb
    assert asked[0].minutes < asked[1].minutes
    on_gpu = planned_with(GIVEN, (("gpus",), 1))
    assert on_gpu.resources(of_kind(on_gpu, "metrics")[0].key).gpus == 1


def test_estimates_know_every_node(planned_with):
    bring_files()
    planned = planned_with(GIVEN)
    part = load_study(Path("params.yaml")).part("text")
    estimator = planner_of(part).estimate(part, planned)
    assert all(estimator.of(node).bytes >= 0 for node in planned.nodes.values())

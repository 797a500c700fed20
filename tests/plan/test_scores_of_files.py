"""Scores that read files: which of them are planned, what names them, and what they ask for."""

from pathlib import Path

import pytest
from tiny_text import TEXT, changed, write

from w2s.metrics.score_registry import SCORES
from w2s.params.load import load_study
from w2s.plan.plan import Plan
from w2s.plan.study import plan
from w2s.run.overview import overview
from w2s.run.start import parents_first
from w2s.store.lineage import own_nodes

COLUMNS = ("tables", "prompted", "columns")
FILES = {
    "hps": {"weights": "hps.pt"},
    "clip": {"model": "clip"},
    "aesthetic": {"weights": "head.pth", "clip": "clip"},
}
JUDGED = changed(changed(TEXT, COLUMNS, ["hps", "clip", "aesthetic"]), ("scores",), FILES)


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """The study of three judges, with values at some paths changed, as planned now."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("scale: words\n")

    def judged(*changes) -> Plan:
        study = JUDGED
        for path, value in changes:
            study = changed(study, path, value)
        write(tmp_path, study)
        return plan(load_study(Path("params.yaml")))

    return judged


def scored(planned) -> set[str]:
    """Names of the scores that have nodes."""
    return {node.spec["score"] for node in planned.nodes.values() if node.kind == "score"}


def node_of(planned, score, row="none"):
    keys = planned.sets["prompted", row, 0].measured
    return next(n for n in map(planned.nodes.get, keys) if n.spec["score"] == score)


def row_of(planned, row="none"):
    return planned.groups[f"cells/prompted/{row}"].facts["row"]


def test_without_files_images_are_drawn_and_nothing_is_scored(judged):
    planned = judged()
    assert scored(planned) == set()
    (images,) = planned.sets["prompted", "sgg", 0].measured
    assert planned.nodes[images].kind == "decoded"
    row = row_of(planned, "sgg")
    assert (row["measured"], row["scored"], row["shown"]) == ([], {}, images)
    assert row["unavailable"] == {"hps": "hps.pt", "clip": "clip", "aesthetic": "head.pth, clip"}
    assert row["drawn"] == {"n": 2, "seeds": [0, 1], "prompts": 2}
    assert images in planned.groups["cells/prompted/sgg"].needs
    assert images in planned.groups["table/prompted"].needs
    own = own_nodes(planned, planned.groups["cells/prompted/sgg"])
    assert [planned.nodes[key].kind for key in own] == ["segment", "decoded"]
    assert parents_first(planned, [images])[-1] == images


def test_a_file_that_comes_adds_its_scores_and_nothing_else(judged):
    before = judged()
    Path("hps.pt").write_text("weights")
    after = judged()
    assert before.nodes.keys() < after.nodes.keys()
    new = after.nodes.keys() - before.nodes.keys()
    rows = {f"score {row}, hps" for row in ("none", "cfg", "sgg")}
    assert {after.nodes[key].label for key in new} == rows | {"convert for hps"}
    assert row_of(after)["unavailable"].keys() == {"clip", "aesthetic"}
    for name, group in after.groups.items():
        assert group.key != before.groups[name].key


def test_a_score_wants_all_its_files(judged):
    Path("head.pth").write_text("weights")
    assert scored(judged()) == set()
    assert row_of(judged())["unavailable"]["aesthetic"] == "clip"
    Path("clip").mkdir()
    assert scored(judged()) == {"clip", "aesthetic"}


def test_contents_name_a_score_and_places_do_not(judged):
    Path("hps.pt").write_text("weights")
    first = node_of(judged(), "hps")
    Path("hps.pt").rename("moved").rename("sub.pt")
    Path("elsewhere").mkdir()
    Path("sub.pt").rename("elsewhere/hps.pt")
    planned = judged((("scores", "hps", "weights"), "elsewhere/hps.pt"))
    moved = node_of(planned, "hps")
    assert moved.key == first.key
    (weights,) = moved.parents["weights"]
    assert planned.nodes[weights].local == {"path": "elsewhere/hps.pt"}
    Path("elsewhere/hps.pt").write_text("others")
    other = node_of(judged((("scores", "hps", "weights"), "elsewhere/hps.pt")), "hps")
    assert other.key != first.key


def test_what_moves_values_names_their_score_alone(judged):
    Path("hps.pt").write_text("weights")
    Path("clip").mkdir()
    Path("tiny.json").write_text("{}")
    plain = judged()
    assert node_of(plain, "hps").spec["settings"] == {"antialias": True}
    assert node_of(judged((("scores", "hps", "antialias"), True)), "hps") == node_of(plain, "hps")
    for entry, value in (("antialias", False), ("architecture", "tiny.json")):
        after = judged((("scores", "hps", entry), value))
        assert node_of(after, "hps").key != node_of(plain, "hps").key
        assert node_of(after, "clip").key == node_of(plain, "clip").key
    assert node_of(after, "hps").spec["files"].keys() == {"architecture"}
    assert "weights" in node_of(after, "hps").parents
    assert "settings" not in node_of(after, "clip").spec


def test_a_file_that_is_given_in_the_place_of_the_released_one_is_waited_for(judged):
    Path("hps.pt").write_text("weights")
    waiting = judged((("scores", "hps", "architecture"), "tiny.json"))
    assert row_of(waiting)["unavailable"]["hps"] == "tiny.json"


def test_the_plan_in_words_says_what_is_waited_for(judged):
    judged()
    said = overview(load_study(Path("params.yaml")), nodes=False)
    assert "score hps waits for hps.pt" in said.splitlines()
    assert "score aesthetic waits for head.pth, clip" in said.splitlines()


def test_judges_ask_for_what_their_networks_take(judged):
    Path("hps.pt").write_text("weights")
    columns = (COLUMNS, ["hps", "saturation"])
    planned = judged(columns, (("gpus",), 1), (("sampling", "per_prompt"), 1000))
    judge, colour = (planned.resources(node_of(planned, s).key) for s in ("hps", "saturation"))
    assert (judge.gpus, colour.gpus) == (1, 0)
    assert judge.mem_mb > 4 * SCORES["hps"].parameters / 2**20
    assert colour.mem_mb < 1500
    slow = judged(columns, (("sampling", "per_prompt"), 1000))
    assert slow.resources(node_of(slow, "hps").key).minutes > judge.minutes > colour.minutes

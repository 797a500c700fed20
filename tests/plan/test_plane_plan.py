"""The plan of points: which nodes a study of worlds consists of, and what it shares."""

from collections import Counter
from pathlib import Path

import pytest
from tiny_points import POINTS, write
from tiny_text import changed

from w2s.errors import UserError
from w2s.params.load import load_study
from w2s.plan.chains import chained
from w2s.plan.resources import PROGRAM
from w2s.plan.study import plan, plan_sweep, planner_of
from w2s.sampling.grid import time_grid


@pytest.fixture
def planned(tmp_path, monkeypatch):
    """The plan of the study with values at some paths changed, or of its sweep."""
    monkeypatch.chdir(tmp_path)

    def made(*changes, of=plan):
        study = POINTS
        for path, value in changes:
            study = changed(study, path, value)
        write(tmp_path, study)
        return of(load_study(Path("params.yaml")))

    return made


def kinds(nodes) -> Counter:
    return Counter(node.kind for node in nodes)


def added(before, after) -> Counter:
    """Kinds of the nodes that one plan has beyond another."""
    return kinds(node for key, node in after.nodes.items() if key not in before.nodes)


def test_a_row_is_a_segment_and_a_judge_and_trained_ones_are_repeated(planned):
    made = planned()
    exact, trained = 2, 2  # networks; of trained ones with two training seeds
    assert kinds(made.nodes.values()) == {
        "points": 2,
        "train": 2,
        "weights": exact + 2 * trained,
        "segment": 1 + 1 + 2 + 2 * 2,  # sgg is cut where it parts from cfg
        "judge": 4 + 1 + 2 * 2,
    }
    truth = made.nodes[made.sets["learned", "truth", 0].metrics]
    assert truth.spec == {"seeds": [0, 1], "per_seed": 30}  # as many sets as there are networks
    assert made.nodes[made.sets["known", "truth", 0].metrics].spec["seeds"] == [3, 4]


def test_a_new_row_adds_one_segment_and_one_judge(planned):
    new = ("tables", "known", "rows", "perfect"), {"model": "worse", "guidance": "cfg"}
    assert added(planned(), planned(new)) == {"segment": 1, "judge": 1}
    trained = ("tables", "learned", "rows", "cfg"), {"model": "early", "guidance": "cfg"}
    assert added(planned(), planned(trained)) == {"segment": 2, "judge": 2}  # training seeds


def test_worlds_share_no_node_and_tables_of_one_world_do(planned):
    again = POINTS["tables"]["known"] | {"title": "The same again"}
    assert added(planned(), planned((("tables", "again"), again))) == {}
    elsewhere = added(planned(), planned((("tables", "again"), again | {"world": "many"})))
    assert elsewhere == {"weights": 2, "segment": 4, "judge": 4}


def test_a_recipe_is_trained_in_each_world_that_a_table_names(planned):
    table = POINTS["tables"]["learned"] | {"world": "few"}
    assert added(planned(), planned((("tables", "other"), table)))["train"] == 2


def test_shards_cut_what_is_drawn_and_judge_it_whole(planned):
    made = planned((("sampling", "shards"), 3))
    (whole,) = {len(made.nodes[s.metrics].parents["segment"]) for s in drawn(made)}
    assert whole == 3
    assert kinds(made.nodes.values())["judge"] == kinds(planned().nodes.values())["judge"]


def test_a_judge_and_its_last_segment_are_one_cluster_job(planned):
    made = planned()
    together = chained(made.nodes)
    one = made.sets["known", "none", 0]
    assert {one.metrics, *one.segments} <= together
    assert one.drawing.model not in together


def drawn(made) -> list:
    return [one for one in made.sets.values() if one.drawing]


def test_segments_say_all_that_their_points_depend_on(planned):
    made = planned()
    spec = made.nodes[made.sets["learned", "ag", 1].segments[0]].spec
    assert spec["times"] == list(time_grid(4, shift=0.2))
    assert (spec["solver"], spec["seeds"], spec["classes"]) == ("heun", [5], 3)
    assert (spec["shape"], spec["conditional"], spec["labels"]) == ([2, 1, 1], True, "balanced")


@pytest.mark.parametrize(
    ("path", "value", "kinds_of_new"),
    [
        (("worlds", "few", "depth"), 1, {"points": 1, "weights": 2, "segment": 4, "judge": 4}),
        (("exact", "worse", "smooth"), 0.07, {"weights": 1, "segment": 1, "judge": 1}),
        (("guidance", "ag", "weight"), 3, {"segment": 2, "judge": 2}),
        (
            ("points", "count"), 80,
            {"points": 2, "train": 2, "weights": 4, "segment": 4, "judge": 9},
        ),
        (("tables", "learned", "seeds"), [6], {"segment": 4, "judge": 4}),
    ],
)  # fmt: skip
def test_a_change_reaches_what_rests_on_it(planned, path, value, kinds_of_new):
    assert added(planned(), planned((path, value))) == kinds_of_new


def test_facts_say_what_intervals_are_taken_over(planned):
    groups = planned().groups
    facts = {name: group.facts for name, group in groups.items() if name.startswith("cells/")}
    over = {name: fact["row"]["over"] for name, fact in facts.items()}
    assert over["cells/known/truth"] == "true samples"
    assert over["cells/known/cfg"] == "noise seeds"
    assert over["cells/learned/ag"] == "seeds"
    assert facts["cells/known/cfg"]["table"]["training_seeds"] == []
    assert facts["cells/learned/ag"]["table"]["training_seeds"] == [0, 1]
    assert facts["cells/known/cfg"]["table"]["dataset"] == (
        "points of world few, 2 classes of depth 2"
    )
    recipes = [facts[f"cells/{row}"]["row"]["recipe"] for row in ("known/cfg", "learned/ag")]
    assert recipes == ["blurred: exact, smooth 0.03, blur 0.1", "base: none, 4 steps"]


def test_every_row_has_a_picture_and_the_part_a_curve(planned):
    made = planned()
    assert "results/figures/known/truth.png" in made.groups["cells/known/truth"].paths
    assert "figure/curves-toy" in made.groups
    assert set(made.parts["toy"]) == made.groups.keys()


def test_the_sweep_tries_each_network_with_each_weight_on_other_seeds(planned):
    sweep = planned(of=plan_sweep)
    assert sweep.groups.keys() == {"sweep/weights-known"}  # no guidance of the other is swept
    rows = {row for table, row, _ in sweep.sets if table == "weights-known"}
    tried = {"cfg=1.1", "cfg=1.2", "sgg=1.1+2", "sgg=1.2+3"}
    assert rows == {"truth", "none"} | {f"blurred.{name}" for name in tried}
    segments = [node for node in sweep.nodes.values() if node.kind == "segment"]
    assert {tuple(node.spec["seeds"]) for node in segments} == {(100, 101)}
    curves = sweep.groups["sweep/weights-known"].facts["curves"]
    assert curves["blurred.sgg"] == {
        "blurred.sgg": [[[1.1, 2.0], "blurred.sgg=1.1+2"], [[1.2, 3.0], "blurred.sgg=1.2+3"]]
    }
    shared = added(planned(), sweep)
    assert shared["weights"] == shared["points"] == 0


def test_a_refusal_while_planning_the_sweep_names_a_key_of_the_study(planned):
    guided = {"model": "base", "guidance": "cfg"}
    unlabelled = (
        (("training", "recipes", "base", "conditional"), False),
        (("tables", "learned", "rows", "cfg"), guided),
    )
    with pytest.raises(UserError, match=r"toy\.yaml: sweep\.weights: .* never sees labels"):
        planned(*unlabelled, of=plan_sweep)


def test_a_window_gets_its_own_weight(planned):
    sweep = planned(of=plan_sweep)
    steps = [m for one in drawn(sweep) for m in one.drawing.methods if m is not None]
    weights = {(step.method, step.weight) for step in steps}
    assert weights >= {("autoguidance", 2.0), ("autoguidance", 3.0), ("cfg", 1.1), ("cfg", 1.2)}


def test_every_node_is_priced(planned, tmp_path):
    made = planned()
    for key, node in made.nodes.items():
        asked = made.resources(key)
        assert asked.mem_mb >= PROGRAM, node
        assert asked.gpus == 0
    study = load_study(Path("params.yaml"))
    (part,) = study.parts
    estimator = planner_of(part).estimate(part, made)
    plain, again = (made.sets[name, "none", 0].segments[0] for name in ("known", "learned"))
    assert estimator.of(made.nodes[plain]).forwards == 2 * 30 * 7  # seeds, points, Heun's 4 steps
    assert estimator.of(made.nodes[again]).forwards == 1 * 30 * 7

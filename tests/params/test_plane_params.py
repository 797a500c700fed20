"""A part with points as it is read: every refusal is one sentence with its key."""

from pathlib import Path

import pytest
from refusals import refused
from tiny_points import POINTS, write
from tiny_text import changed

from w2s.params.load import load_study

ROW = ("tables", "known", "rows", "cfg")
PLAIN = ("tables", "known", "rows", "none")
DEEP = {"classes": 2, "depth": 14, "seed": 2}


@pytest.fixture
def refusal(tmp_path, monkeypatch, capsys):
    """What is said of the study with values at some paths changed."""
    monkeypatch.chdir(tmp_path)

    def said(*changes) -> str:
        study = POINTS
        for path, value in changes:
            study = changed(study, path, value)
        write(tmp_path, study)
        lines = refused(capsys)
        assert len(lines) == 1, lines
        return lines[0].removeprefix("scales/plane/toy.yaml: ")

    return said


def test_the_study_is_read_as_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, POINTS)
    (part,) = load_study(Path("params.yaml")).parts
    assert part.data["name"] == "two-dimensional worlds few, many"
    assert set(part.params.networks) == {"base", "early", "perfect", "blurred", "worse"}
    assert [row.real for row in part.params.tables["known"].rows.values()] == [True] + 3 * [False]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("worlds", "few", "classes"), 0, "worlds.few.classes: must be at least 1"),
        (("worlds", "few", "depth"), 0, "worlds.few.depth: must be at least 1"),
        (("worlds", "few"), DEEP, "worlds.few: 2 classes of depth 14 have more than 20000 Gau"),
        (("exact", "worse", "smooth"), -0.1, "exact.worse.smooth: must be at least 0"),
        (("exact", "worse", "smooth"), float("nan"), "exact.worse.smooth: "),
        (("exact", "worse", "blur"), 1.0, "exact.worse.blur: must be below 1"),
        (("exact", "worse", "shallow"), 2, "exact.worse.shallow: must be below the depth of 2"),
        (("exact", "base"), {}, "exact.base: the name is taken by a trained network"),
        (("tables", "known", "world"), "fev", "there is no world under worlds named 'fev'; did yo"),
        ((*ROW, "model"), "blured", "there is no network named 'blured'; did you mean 'blurred'?"),
        ((*ROW, "guidance"), "cgf", "there is no entry under guidance named 'cgf'; did you mean"),
        ((*ROW, "truth"), True, "give either model, or truth: true"),
        (("tables", "known", "baseline"), "truth", "'truth' is true points; take a network's"),
        ((*ROW, "model"), "base", "'blurred' is exact and 'base' of row 'cfg' is trained"),
        ((*PLAIN, "guidance"), "ag", "is trained: rows of the one are paired by sampling seed"),
        (("guidance", "sgg", 1, "weak"), "blurred", "its weak network 'blurred' is the same as"),
        (("exact", "worse"), {"blur": 0.1, "smooth": 0.03}, "'worse' is the same as 'blurred'"),
        (("weak", "early", "step"), 4, "its weak network 'early' is the same as 'base'"),
        (("weak", "early", "step"), 3, "weak.early.step: 'base' has no snapshot at step 3"),
        (("sampling", "per_seed"), 6, "sampling.per_seed: must be 11 to 12000 for the 3 classes"),
        (("sampling", "per_seed"), 12_001, "sampling.per_seed: must be "),
        (("points", "seed"), 4, "points.seed: is a seed of tables too; take another"),
        (("models", "mlp", "head_at"), 3, "models.mlp.head_at: must be below the depth of 3"),
        (("models", "mlp", "kind"), "sit", "models.mlp"),
        (("sweep", "seeds"), [3, 100], "sweep.seeds: seed 3 is one of a table's; take others"),
        (("sweep", "columns"), ["coverage"], "sweep.columns: must hold energy"),
        (("sweep", "weights", "cfg"), [1.1], "sweep.weights: every entry must try as many"),
        (("sweep", "weights", "sgg"), [[1.1], [1, 2]], "sweep.weights.sgg[0]: must have a weight"),
        (("sweep", "weights", "ga"), [1, 2], "there is no entry under guidance named 'ga'"),
        (("world",), {}, "world: unknown key; did you mean 'worlds'?"),
    ],
)  # fmt: skip
def test_mistakes_are_refused_in_a_sentence(refusal, path, value, said):
    assert said in refusal((path, value))


@pytest.mark.parametrize(
    ("method", "lacking"),
    [
        ({"method": "internal", "weight": 2}, "internal needs a mid head"),
        ({"method": "skip_layer", "blocks": [0], "weight": 2}, "skip_layer needs blocks to skip"),
        ({"method": "s2", "droppable": [0, 1], "weight": 2, "cfg": 2}, "s2 needs blocks to skip"),
    ],
)
def test_an_exact_network_has_no_head_and_no_blocks(refusal, method, lacking):
    said = refusal((("guidance", "cfg"), method), (("sweep", "weights"), {"sgg": [1, 2]}))
    assert said.startswith("guidance.cfg")
    assert f"{lacking}, which an exact network does not have" in said


def test_a_head_that_is_not_trained_is_refused(refusal):
    said = refusal((("guidance", "ag"), {"method": "internal", "weight": 2}))
    assert said.startswith("tables.learned.rows.ag.guidance: this guidance reads the mid head")


def test_a_network_without_labels_has_no_null_branch(refusal):
    unlabelled = (("training", "recipes", "base", "conditional"), False)
    guided = (("tables", "learned", "rows", "ag", "guidance"), "cfg")
    assert "never sees labels" in refusal(unlabelled, guided)


def test_a_part_may_have_exact_networks_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained = {"training", "models", "weak"}
    alone = {name: block for name, block in POINTS.items() if name not in trained}
    tables = {"known": POINTS["tables"]["known"]}
    guidance = {name: POINTS["guidance"][name] for name in ("cfg", "sgg")}
    write(tmp_path, alone | {"tables": tables, "guidance": guidance})
    (part,) = load_study(Path("params.yaml")).parts
    assert part.params.training is None

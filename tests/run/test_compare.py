"""`w2s plane`: sampling reaches the truth's floor, guidance does what is known, a picture."""

import json

import numpy as np
import pytest
from PIL import Image

from w2s.cli import main
from w2s.params.trial import TIMES, read_trial
from w2s.plane.scores import Judge
from w2s.plane.tree import balanced
from w2s.run.compare import FOLLOWED, compare, draw


def trial(tmp_path, text, **changes):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    asked = {"world": "few", "main": "exact", "weak": None, "points": None, "seed": 0}
    return read_trial(**asked | changes, guidance=str(path), entries=None)


def scores(asked, methods=None):
    judge = Judge(asked.world.grow(), asked.points)
    drawn = draw(asked, asked.methods if methods is None else methods)
    return judge.score(drawn.points, balanced(asked.points, asked.world.classes))


CFG = "{method: cfg, weight: 2}"
AG = "{method: autoguidance, weak: net, weight: 2}"


@pytest.mark.parametrize("world", ["few", "many"])
def test_an_exact_network_without_guidance_reaches_the_floor(tmp_path, world):
    asked = trial(tmp_path, CFG, world=world)
    labels = balanced(asked.points, asked.world.classes)
    judge = Judge(asked.world.grow(), asked.points)
    floor = [judge.score(asked.world.grow().draw(labels, seed), labels) for seed in range(6)]
    drawn = judge.score(draw(asked, [None] * (len(TIMES) - 1)).points, labels)
    for name, value in drawn.items():
        true = [score[name] for score in floor]
        assert abs(value - np.mean(true)) < 5 * np.std(true, ddof=1), name


def test_a_weight_of_one_is_no_guidance(tmp_path):
    asked = trial(tmp_path, "{method: cfg, weight: 1}", points=200)
    one, none = draw(asked, asked.methods), draw(asked, [None] * (len(TIMES) - 1))
    assert np.array_equal(one.points, none.points)
    assert one.forwards == none.forwards == 1


def test_guidance_repairs_the_error_it_exaggerates_and_no_other(tmp_path):
    """Cases of the paper's argument: detail, which AutoGuidance repairs, and a label error."""
    detail = {"main": "smooth=0.03", "weak": "smooth=0.06"}
    plain, guided = (scores(trial(tmp_path, AG, **detail), m) for m in ([None] * 32, None))
    assert guided["off_support"] < plain["off_support"] / 3
    assert guided["coverage"] > plain["coverage"]

    label = {"main": "blur=0.1,smooth=0.03", "weak": "blur=0.1,smooth=0.06"}
    plain, guided = (scores(trial(tmp_path, AG, **label), m) for m in ([None] * 32, None))
    assert guided["wrong_class"] > plain["wrong_class"] / 2, "the weak network shares it"
    corrected = scores(trial(tmp_path, "{method: cfg, weight: 1.15}", **label))
    assert corrected["wrong_class"] < guided["wrong_class"]
    assert corrected["energy"] < plain["energy"] / 2


def test_an_exact_network_is_only_harmed(tmp_path):
    """Classifier-free guidance of weight 2 leaves modes out."""
    found = scores(trial(tmp_path, CFG))
    assert found["coverage"] < 0.75
    assert found["energy"] > 50
    assert found["norm"] > 1.2


def test_what_is_drawn_depends_on_the_sample_alone(tmp_path):
    few, many = (trial(tmp_path, CFG, points=n) for n in (60, 120))
    one, other = (draw(asked, asked.methods) for asked in (few, many))
    assert one.points == pytest.approx(other.points[:60], abs=1e-5)
    assert one.paths.shape == (len(TIMES), FOLLOWED, 2)
    assert np.array_equal(one.paths[-1], one.points[:FOLLOWED])
    assert one.forwards == 2


def test_the_table_has_the_truth_no_guidance_and_the_guidance(tmp_path):
    head, *rows = compare(trial(tmp_path, AG, points=120, weak="smooth=0.1")).splitlines()
    assert "Off support" in head
    assert head.endswith("Forwards")
    assert [row.split("  ")[0] for row in rows] == ["a true sample", "no guidance", "mine"]
    assert [row.split()[-1] for row in rows] == ["–", "1.00", "2.00"]
    assert len({len(row) for row in [head, *rows]}) == 1, "columns are aligned"


def test_the_verb_draws_a_picture_that_says_what_it_shows(tmp_path, study_folder, capsys):
    out = tmp_path / "picture.png"
    arguments = ["--main", "blur=0.1", "--weak", "blur=0.3", "--points", "120", "--seed", "5"]
    for path in (out, tmp_path / "again.png"):
        assert main(["plane", "--guidance", "sgg", *arguments, "--out", str(path)]) == 0
    assert capsys.readouterr().out.count("sgg") == 2
    assert out.read_bytes() == (tmp_path / "again.png").read_bytes()
    picture = Image.open(out)
    assert picture.width > 3 * picture.height
    told = json.loads(picture.text["w2s-key"])
    assert told["main"]["blur"] == 0.1
    assert told["weak"]["blur"] == 0.3
    assert (told["points"], told["seed"]) == (120, 5)
    assert [window["method"] for window in told["guidance"]] == ["cfg", "autoguidance"]
    colours = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 100, "points and density are there"

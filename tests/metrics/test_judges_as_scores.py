"""The judges as nodes: values of a decoded set, what is recorded, and files of another format."""

import csv
import json
import shutil

import numpy as np
import pytest
import tiny_judges

from w2s.errors import UserError
from w2s.job import Execution, Job
from w2s.metrics import score
from w2s.metrics.prompted.aesthetic import Aesthetic
from w2s.metrics.prompted.clip import ClipScore
from w2s.metrics.prompted.hps import HPS
from w2s.metrics.prompted.image_reward import ImageReward
from w2s.metrics.score_registry import SCORES

TEXTS = ["a red star", "blue ring on olive", "größer als alles"]
ROWS = [2, 0, 1, 1, 0]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """What each judge reads, by score and file."""
    root = tmp_path_factory.mktemp("judges")
    tiny_judges.hps(root)
    tiny_judges.clip(root / "clip")
    tiny_judges.head(root / "head.pth")
    tiny_judges.image_reward(root)
    return {
        "hps": {"weights": root / "HPS.pt", "architecture": root / "tiny.json"},
        "clip": {"model": root / "clip"},
        "aesthetic": {"weights": root / "head.pth", "clip": root / "clip"},
        "image_reward": {
            "weights": root / "ImageReward.pt",
            "tokenizer": root / "bert",
            "architecture": root / "tiny-blip.json",
        },
    }


@pytest.fixture
def decoded(tmp_path):
    folder = tmp_path / "decoded"
    folder.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (5, 40, 56, 3), np.uint8)
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", ROWS)
    np.save(folder / "seeds.npy", [0] * 5)
    (folder / "prompts.json").write_text(json.dumps(TEXTS))
    return folder


def run(decoded, name, files, **settings):
    out = decoded.parent / f"out-{name}-{len(list(decoded.parent.iterdir()))}"
    out.mkdir()
    chosen = dict(SCORES[name].settings) | settings
    spec = {"score": name, "files": dict.fromkeys(files, "print")}
    spec |= {"settings": chosen} if chosen else {}
    local = {"files": {file: str(path) for file, path in files.items()}}
    score.build(Job("score", "k", spec, out, {"decoded": [decoded]}, local, Execution("cpu")))
    lines = list(csv.DictReader((out / "values.csv").open()))
    return json.loads((out / "metrics.json").read_text()), [float(line["value"]) for line in lines]


def direct(name, files):
    return {
        "hps": lambda: HPS(files["weights"], str(files["architecture"]), antialias=True),
        "clip": lambda: ClipScore(files["model"]),
        "aesthetic": lambda: Aesthetic(files["weights"], files["clip"]),
        "image_reward": lambda: ImageReward(
            files["weights"], files["tokenizer"], files["architecture"]
        ),
    }[name]()


JUDGES = [name for name, one in SCORES.items() if one.files]


@pytest.mark.parametrize("name", JUDGES)
def test_values_are_the_judges_of_each_image_and_its_own_prompt(name, files, decoded, monkeypatch):
    monkeypatch.setattr(score, "BATCH", 2)
    said, values = run(decoded, name, files[name])
    images = np.load(decoded / "images.npy")
    expected = direct(name, files[name])(images, [TEXTS[row] for row in ROWS])
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-4)
    assert np.std(values) > 0
    assert said["definition"].startswith(SCORES[name].definition)
    by_row = [np.mean(np.array(values)[np.array(ROWS) == row]) for row in range(3)]
    assert said["per_prompt"] == pytest.approx(by_row)


def test_a_judge_is_loaded_once(files, decoded, monkeypatch):
    loaded = []
    monkeypatch.setattr(score, "BATCH", 1)
    monkeypatch.setattr(
        "w2s.metrics.prompted.scorers.ClipScore",
        lambda *given: loaded.append(given) or ClipScore(*given),
    )
    run(decoded, "clip", files["clip"])
    assert len(loaded) == 1


def test_antialiasing_moves_values_and_is_recorded(files, decoded):
    smooth, first = run(decoded, "hps", files["hps"], antialias=True)
    rough, second = run(decoded, "hps", files["hps"], antialias=False)
    assert not np.allclose(first, second)
    assert smooth["definition"].endswith("; antialias: yes")
    assert rough["definition"].endswith("; antialias: no")
    assert rough["settings"]["settings"] == {"antialias": False}


@pytest.mark.parametrize("name", JUDGES)
def test_files_of_another_format_are_refused_in_one_sentence(name, files, decoded, tmp_path):
    for file in SCORES[name].files:
        wrong = tmp_path / f"wrong-{name}-{file}"
        if files[name][file].is_dir():
            wrong.mkdir()
            (wrong / "readme.txt").write_text("nothing")
        else:
            shutil.copy(files["hps" if name != "hps" else "aesthetic"]["weights"], wrong)
        with pytest.raises(UserError) as refused:
            run(decoded, name, files[name] | {file: wrong})
        assert wrong.name in str(refused.value)
        assert "\n" not in str(refused.value)


def test_every_judge_says_what_it_reads_and_takes():
    for name in JUDGES:
        one = SCORES[name]
        assert one.better == "higher"
        assert one.parameters > 1e8
        assert one.gmacs > 10
        assert "float32" in one.definition
        assert "resized" in one.definition

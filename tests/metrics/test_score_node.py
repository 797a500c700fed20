"""A score of a decoded set: values of images, means of prompts, and files that it reads."""

import csv
import json

import numpy as np
import pytest

from w2s.errors import UserError
from w2s.job import Job
from w2s.metrics import score
from w2s.metrics.score_registry import SCORES, Score

ROWS, SEEDS = [0, 0, 1, 1, 0, 0, 1, 1], [4] * 4 + [9] * 4
WEIGHED = Score("Weighed", "higher", 2, "w2s.nowhere:weighed", "a test's own", files=("weight",))


@pytest.fixture
def decoded(tmp_path):
    """Two seeds, two prompts, two images each; all pixels of image i are i."""
    folder = tmp_path / "decoded"
    folder.mkdir()
    shades = np.arange(8, dtype=np.uint8)[:, None, None, None]
    np.save(folder / "images.npy", np.broadcast_to(shades, (8, 2, 3, 3)))
    np.save(folder / "labels.npy", ROWS)
    np.save(folder / "seeds.npy", SEEDS)
    (folder / "prompts.json").write_text(json.dumps(["a cat", "ein Käfer"]))
    return folder


@pytest.fixture
def weighed(monkeypatch):
    """A score of its own: an image's shade, weighed by a file, plus the length of its prompt."""

    def scorer(files, device):
        weight = float(files["weight"].read_text())
        return lambda images, prompts: (
            weight * images[:, 0, 0, 0] + np.array([len(prompt) for prompt in prompts])
        )

    monkeypatch.setitem(SCORES, "weighed", WEIGHED)
    monkeypatch.setattr(Score, "load", lambda self: scorer)


def run(tmp_path, decoded, spec, files=None):
    out = tmp_path / "out"
    out.mkdir()
    local = {"files": files} if files else {}
    score.build(Job("score", "k", spec, out, {"decoded": [decoded]}, local))
    return json.loads((out / "metrics.json").read_text())


def test_images_of_a_prompt_are_one_unit():
    assert score.per_prompt([1.0, 2.0, 6.0, 5.0], [0, 0, 0, 1]) == [3.0, 5.0]
    assert score.per_prompt([5.0, 1.0], [1, 0]) == [1.0, 5.0]


def test_values_are_kept_by_image_and_means_by_prompt(tmp_path, decoded, weighed):
    (tmp_path / "weight").write_text("10")
    spec = {"score": "weighed", "files": {"weight": "print"}}
    said = run(tmp_path, decoded, spec, {"weight": str(tmp_path / "weight")})
    lines = list(csv.DictReader((tmp_path / "out/values.csv").open()))
    long = [len(["a cat", "ein Käfer"][row]) for row in ROWS]
    assert [float(line["value"]) for line in lines] == [10 * i + n for i, n in enumerate(long)]
    assert [(int(line["seed"]), int(line["row"])) for line in lines] == [
        *zip(SEEDS, ROWS, strict=True)
    ]
    assert said["per_prompt"] == [10 * np.mean([0, 1, 4, 5]) + 5, 10 * np.mean([2, 3, 6, 7]) + 9]
    assert (said["n"], said["seeds"]) == (4, [4, 9])


def test_batches_change_nothing(tmp_path, decoded, monkeypatch):
    whole = run(tmp_path, decoded, {"score": "contrast"})
    monkeypatch.setattr(score, "BATCH", 3)
    (tmp_path / "again").mkdir()
    assert run(tmp_path / "again", decoded, {"score": "contrast"}) == whole


def test_a_file_that_is_not_there_is_named(tmp_path, decoded, weighed):
    spec = {"score": "weighed", "files": {"weight": "print"}}
    with pytest.raises(UserError, match="away, the weight of the score weighed, is not there"):
        run(tmp_path, decoded, spec, {"weight": str(tmp_path / "away")})

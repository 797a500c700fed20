"""Drawn points are judged by their world, seed by seed, whatever their shards."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from w2s.errors import UserError
from w2s.job import Job
from w2s.metrics.intervals import mean_interval
from w2s.metrics.judge import build
from w2s.metrics.point_registry import POINT_SCORES
from w2s.plane import points
from w2s.plane.scores import Judge
from w2s.plane.tree import WORLDS, balanced
from w2s.report.cells import replicates

FEW, SEEDS, COUNT = WORLDS["few"], (3, 8), 200


@pytest.fixture
def world(tmp_path):
    out = tmp_path / "points"
    out.mkdir()
    points.build(Job("points", "0", {"world": FEW.model_dump(), "count": 8, "seed": 0}, out))
    return out


@pytest.fixture
def judged(tmp_path, world):
    """metrics.json of a set, as bytes."""

    def run(spec, *shards):
        out = tmp_path / f"judged{len(list(tmp_path.iterdir()))}"
        out.mkdir()
        parents = {"points": [world]} | ({"segment": list(shards)} if shards else {})
        build(Job("judge", "0", spec, out, parents))
        return (out / "metrics.json").read_bytes()

    return run


def drawn(root, shards=1, shift=0.0, count=COUNT):
    """Folders as segments leave them: true points, moved by `shift`."""
    labels = balanced(count, 4)
    x = np.concatenate([FEW.grow().draw(labels, 100 + seed) for seed in SEEDS]) + shift
    whole = {
        "x": torch.from_numpy(x).float()[..., None, None],
        "index": torch.arange(len(x)),
        "label": torch.from_numpy(np.tile(labels, len(SEEDS))),
        "seed": torch.tensor(SEEDS).repeat_interleave(count),
    }
    folders = [root / f"{shift}-{count}-{shard}-of-{shards}" for shard in range(shards)]
    for shard, folder in enumerate(folders):
        folder.mkdir()
        own = {name: values[shard::shards].contiguous() for name, values in whole.items()}
        save_file(own | {"stop": torch.tensor(32)}, folder / "state.safetensors")
    return folders


def test_scores_are_the_judges_own_for_each_seed(judged, tmp_path):
    made = json.loads(judged({}, *drawn(tmp_path)))
    assert (made["n"], made["seeds"]) == (COUNT, list(SEEDS))
    assert list(made["per_seed"]) == list(POINT_SCORES)
    judge, labels = Judge(FEW.grow(), COUNT), balanced(COUNT, 4)
    for i, seed in enumerate(SEEDS):
        x = FEW.grow().draw(labels, 100 + seed).astype(np.float32)
        expected = judge.score(x, labels)
        assert {name: values[i] for name, values in made["per_seed"].items()} == expected


def test_shards_change_no_byte(judged, tmp_path):
    whole = judged({}, *drawn(tmp_path))
    shards = drawn(tmp_path, shards=3)
    assert judged({}, *shards) == judged({}, *reversed(shards)) == whole
    with pytest.raises(UserError, match="samples twice or missing"):
        judged({}, *shards[:2])


def test_a_true_sample_is_the_floor(judged, tmp_path):
    floor = json.loads(judged({"seeds": [0, 1, 2], "per_seed": COUNT}))
    off = json.loads(judged({}, *drawn(tmp_path, shift=0.3)))
    assert (floor["n"], floor["seeds"]) == (COUNT, [0, 1, 2])
    for name, worse in [("energy", 1), ("off_support", 1), ("wrong_class", 1), ("coverage", -1)]:
        best = max(worse * value for value in floor["per_seed"][name])
        assert min(worse * value for value in off["per_seed"][name]) > best, name
    assert floor["per_seed"]["norm"] == pytest.approx([1, 1, 1], abs=0.15)


def test_a_cells_interval_is_taken_over_the_seeds(judged):
    made = json.loads(judged({"seeds": [0, 1, 2], "per_seed": COUNT}))
    values, over = replicates([made["per_seed"]["energy"]], made["seeds"], training_seeds=[0])
    assert values == dict(zip([0, 1, 2], made["per_seed"]["energy"], strict=True))
    interval = mean_interval(list(values.values()), over)
    assert interval.low < interval.mean < interval.high


def test_what_cannot_be_judged_is_refused(judged, tmp_path):
    with pytest.raises(UserError, match="cannot judge 8 points in 4 classes: change how many"):
        judged({}, *drawn(tmp_path, count=8))
    with pytest.raises(UserError, match=r"cannot judge 20000 points .*: change how many"):
        judged({"seeds": [0], "per_seed": 20_000})
    with pytest.raises(UserError, match="not finite: lower the weight"):
        judged({}, *drawn(tmp_path, shift=float("inf")))

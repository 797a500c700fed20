"""A CLIP trained on the spot: it learns, it is of its seed, and scores as any CLIP does."""

import numpy as np
import pytest

from w2s.data import index
from w2s.data.attributes import read_attributes
from w2s.data.csv_files import read_csv
from w2s.data.images import Images
from w2s.errors import UserError
from w2s.job import Execution, Job
from w2s.metrics.prompted import trained
from w2s.metrics.prompted.clip import ClipScore
from w2s.world import render

SPEC = {
    "width": 32, "layers": 1, "patch": 4, "steps": 60, "batch": 32, "lr": 3e-3, "seed": 0,
    "resolution": 12,
}  # fmt: skip


def job(out, kind, spec, **parents):
    out.mkdir()
    execution = Execution(device="cpu", state=out / "state")
    return Job(kind, "0", spec, out, {k: [v] for k, v in parents.items()}, execution=execution)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    images, listed = folder / "images", folder / "index"
    spec = {"count": 240, "resolution": 12, "jitter": 0.1, "seed": 0}
    render.build(job(images, "images", spec))
    spec = {"source": "images", "on_bad_file": "refuse"}
    index.build(job(listed, "index", spec, images=images))
    return {"images": images, "index": listed}


@pytest.fixture(scope="module")
def made(world, tmp_path_factory):
    given = job(tmp_path_factory.mktemp("clip") / "a", "clip", SPEC, **world)
    return given, trained.build(given)


def test_it_learns(made):
    given, facts = made
    log = read_csv(given.out / "log.csv")
    first, last = (sum(float(row["contrastive"]) for row in part) for part in (log[:5], log[-5:]))
    assert last < 0.7 * first
    assert 0 <= facts["zero_shot_shape"] <= 1


def test_it_scores_right_captions_above_others(made, world):
    given, _ = made
    images = Images.of(job(given.out.parent / "read", "x", {}, **world), 12).read(np.arange(60))
    texts = [row["caption"] for row in read_attributes(world["index"])[:60]]
    judge = ClipScore(given.out / "clip")
    assert judge(images, texts).mean() > judge(images, texts[7:] + texts[:7]).mean() + 10


def test_it_is_of_its_seed(made, world, tmp_path):
    seeds = {"a": 0, "b": 0, "c": 1}
    short = {name: SPEC | {"steps": 3, "seed": seed} for name, seed in seeds.items()}
    again = [job(tmp_path / name, "clip", spec, **world) for name, spec in short.items()]
    for one in again:
        trained.build(one)
    first, same, other = ((one.out / "clip/model.safetensors").read_bytes() for one in again)
    assert first == same != other


def test_a_loss_that_is_not_finite_is_said(world, tmp_path):
    with pytest.raises(UserError, match=r"CLIP's loss is not finite at step .* lower its lr"):
        trained.build(job(tmp_path / "a", "clip", SPEC | {"lr": 1e30}, **world))

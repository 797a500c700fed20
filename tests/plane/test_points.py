"""Training points are a data set like any other: read as latents are, without noise or scaling."""

import json

import numpy as np
import pytest

from w2s.data.latents import Latents
from w2s.job import Job
from w2s.plane.points import build
from w2s.plane.tree import WORLDS, World

FEW = WORLDS["few"]


def points(out, world=FEW, count=4000, seed=5):
    out.mkdir()
    build(Job("points", "0", {"world": world.model_dump(), "count": count, "seed": seed}, out))
    return out


def test_training_sees_the_worlds_points_themselves(tmp_path):
    latents = Latents([points(tmp_path / "p")])
    rows = np.arange(4000)
    x, labels = latents.batch(rows, np.random.default_rng(0))
    expected = FEW.grow().draw(labels, 5)
    assert x.dtype == np.float32
    assert x.shape == (4000, 2, 1, 1)
    assert np.array_equal(x[:, :, 0, 0], expected.astype(np.float32))
    assert np.array_equal(labels, rows % 4)
    assert (latents.classes, latents.channels, latents.size, len(latents)) == (4, 2, 1, 4000)
    again, _ = latents.batch(rows, np.random.default_rng(1))
    assert np.array_equal(again, x), "no posterior to draw from"


def test_they_have_the_moments_of_their_world(tmp_path):
    mean = np.load(points(tmp_path / "p", WORLDS["many"], 48_000) / "mean.npy")[:, :, 0, 0]
    assert mean.mean(0) == pytest.approx([0, 0], abs=0.01)
    assert mean.std(0) == pytest.approx([0.5, 0.5], abs=0.01)


def test_the_same_spec_gives_the_same_bytes_and_a_seed_other_points(tmp_path):
    folders = [points(tmp_path / f"{i}", seed=seed) for i, seed in enumerate((5, 5, 6))]
    first, again, other = ({f.name: f.read_bytes() for f in p.iterdir()} for p in folders)
    assert first == again
    assert {name for name in first if first[name] != other[name]} == {"mean.npy"}


def test_fewer_points_are_the_first_of_more(tmp_path):
    few, more = (np.load(points(tmp_path / f"{n}", count=n) / "mean.npy") for n in (10, 30))
    assert np.array_equal(few, more[:10])


def test_the_world_can_be_grown_again(tmp_path):
    world = World(classes=3, depth=2, seed=9)
    facts = json.loads((points(tmp_path / "p", world, 12) / "latents.json").read_text())
    assert World(**facts["world"]) == world

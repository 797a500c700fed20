"""Encoded data: draws follow the posterior, whatever the sharding; constants normalise them."""

import json

import numpy as np
import pytest

from w2s.data.latents import Latents

RNG = np.random.default_rng(0)
N, SHAPE = 10, (3, 4, 4)


def write(out, mean, std, rows, scaling=(None, None)):
    """One shard, its sums taken directly from its arrays."""
    out.mkdir()
    mean, std = mean[rows].astype(np.float32), std[rows].astype(np.float32)
    flat = np.moveaxis(mean.astype(float), -3, 0).reshape(SHAPE[0], -1)
    spread = np.moveaxis(std.astype(float), -3, 0).reshape(SHAPE[0], -1)
    facts = {"classes": 5, "channels": SHAPE[0], "size": SHAPE[1], "count": flat.shape[1]}
    facts |= {"sum": flat.sum(1).tolist(), "sum_sq": (flat**2 + spread**2).sum(1).tolist()}
    facts |= {"shift": scaling[0], "scale": scaling[1]}
    (out / "latents.json").write_text(json.dumps(facts))
    for name, array in {"mean": mean, "std": std, "rows": rows, "labels": rows % 5}.items():
        np.save(out / f"{name}.npy", array)
    return out


def data_set(tmp_path, shards=1, views=(), std=0.5, **options):
    """N random latents cut into shards; gives means and the reader."""
    mean = np.random.default_rng(1).normal(2, 3, (N, *views, *SHAPE))
    rows = [np.arange(N)[shard::shards] for shard in range(shards)]
    dirs = [
        write(tmp_path / f"{shards}-{i}", mean, np.full_like(mean, std), part, **options)
        for i, part in enumerate(rows)
    ]
    return mean, Latents(dirs)


def test_shape_and_labels(tmp_path):
    _, latents = data_set(tmp_path, shards=3)
    assert (len(latents), latents.classes, latents.channels, latents.size) == (N, 5, 3, 4)
    assert latents.labels.tolist() == (np.arange(N) % 5).tolist()
    z, labels = latents.batch(np.array([7, 7, 2]), RNG)
    assert z.dtype == np.float32
    assert z.shape == (3, *SHAPE)
    assert labels.tolist() == [2, 2, 2]


@pytest.mark.parametrize("views", [(), (2,)])
def test_a_draw_does_not_depend_on_the_shards(tmp_path, views):
    rows = np.array([9, 0, 3, 3, 8])
    (_, whole), (_, cut) = (data_set(tmp_path, shards, views) for shards in (1, 4))
    draws = [latents.batch(rows, np.random.default_rng(5))[0] for latents in (whole, cut)]
    assert np.allclose(*draws, rtol=1e-6)


def test_draws_have_zero_mean_and_unit_variance_per_channel(tmp_path):
    mean, latents = data_set(tmp_path, std=2.0)
    z, _ = latents.batch(np.tile(np.arange(N), 500), RNG)
    assert np.abs(z.mean((0, 2, 3))).max() < 0.01
    assert np.abs(z.var((0, 2, 3)) - 1).max() < 0.02
    one = latents.denormalise(z[3::N])
    assert np.abs(one.mean(0) - mean[3]).max() < 0.5
    assert np.abs(one.std(0) - 2.0).max() < 0.3


def test_denormalising_inverts_normalising(tmp_path):
    mean, latents = data_set(tmp_path, shards=2, std=0.0)
    z, _ = latents.batch(np.arange(N), RNG)
    assert np.allclose(latents.denormalise(z), mean, atol=1e-5)


def test_published_constants_come_first(tmp_path):
    mean, latents = data_set(tmp_path, std=0.0, scaling=(0.5, 0.2))
    z, _ = latents.batch(np.arange(N), RNG)
    assert np.allclose(z, (mean - 0.5) * 0.2, atol=1e-6)


def test_both_mirrorings_are_drawn(tmp_path):
    mean, latents = data_set(tmp_path, views=(2,), std=0.0)
    z = latents.denormalise(latents.batch(np.full(200, 6), RNG)[0])
    is_mirrored = np.isclose(z, mean[6, 1], atol=1e-5).all((1, 2, 3))
    is_plain = np.isclose(z, mean[6, 0], atol=1e-5).all((1, 2, 3))
    assert (is_mirrored ^ is_plain).all()
    assert 60 < is_mirrored.sum() < 140


def test_missing_and_doubled_shards_are_refused(tmp_path):
    mean = np.zeros((N, *SHAPE))
    even = write(tmp_path / "even", mean, mean + 1, np.arange(0, N, 2))
    with pytest.raises(ValueError, match="every row once"):
        Latents([even])
    with pytest.raises(ValueError, match="every row once"):
        Latents([even, even])

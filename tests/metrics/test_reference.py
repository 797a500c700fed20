"""References: images of the data set, and ADM's statistics of ImageNet."""

import json

import numpy as np
import pytest
import torch
from metric_jobs import BATCH, PER_CLASS, REFERENCE, SIZE, digests, run

from w2s.errors import UserError
from w2s.metrics import reference
from w2s.metrics.adm import SHAPES
from w2s.metrics.scores import radii, statistics

EVERY = 3 * PER_CLASS


def build(world, out, **changes):
    parents = {"index": world.index, "features": world.features}
    return run(reference, out, {**REFERENCE, **changes}, world.local, **parents)


def test_the_same_spec_gives_the_same_bytes(world, tmp_path):
    names = {"features.npy", "stats.npz", "radii.npy", "reference.json"}
    again = digests(build(world, tmp_path / "reference"))
    assert again == digests(world.reference)
    assert set(again) == names


@pytest.mark.parametrize(("count", "taken"), [(None, EVERY), (40, 40), (1000, EVERY)])
def test_as_many_images_as_asked_for_or_all_there_are(world, tmp_path, count, taken):
    built = build(world, tmp_path / "reference", count=count)
    assert len(np.load(built / "features.npy")) == taken
    assert json.loads((built / "reference.json").read_text())["count"] == taken


def test_what_rests_on_the_images_alone_is_stored(world):
    features = np.load(world.reference / "features.npy")
    with np.load(world.reference / "stats.npz") as stats:
        for name, values in statistics({"features": features}).items():
            np.testing.assert_array_equal(stats[name], values)
    stored = np.load(world.reference / "radii.npy")
    np.testing.assert_array_equal(stored, radii(features, REFERENCE["neighbourhood"]))


def test_another_resolution_than_the_networks_is_refused(world, tmp_path):
    with pytest.raises(UserError, match=f"trained at {SIZE} pixels"):
        build(world, tmp_path / "reference", resolution=32)


def test_too_few_images_for_the_manifold_are_refused(world, tmp_path):
    with pytest.raises(UserError, match=r"has 4 images, .* metrics\.prc_neighbourhood"):
        build(world, tmp_path / "reference", count=4, neighbourhood=4)


def adm_arrays(count=5):
    """What ADM's file holds, of a few images."""
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    images = rng.integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)
    return arrays | {"arr_0": images}


def adm(tmp_path, features, arrays, name="stats.npz"):
    np.savez(tmp_path / name, **arrays)
    spec = {"kind": "adm", "fingerprint": "0", "batch": BATCH, "neighbourhood": 3}
    local = {"path": str(tmp_path / name)}
    return run(reference, tmp_path / "reference", spec, local, features=features)


def test_adms_statistics_are_taken_over_and_its_images_measured(inception, tmp_path):
    arrays = adm_arrays()
    built = adm(tmp_path, inception[1], arrays)
    with np.load(built / "stats.npz") as stats:
        assert {name: values.dtype.name for name, values in stats.items()} == {
            "mu": "float32", "sigma": "float64", "mu_s": "float32", "sigma_s": "float64",
        }  # fmt: skip
        for name in SHAPES:
            np.testing.assert_allclose(stats[name], arrays[name], rtol=1e-6)
    plain, _ = inception
    images = torch.from_numpy(arrays["arr_0"]).permute(0, 3, 1, 2)
    features = np.load(built / "features.npy")
    np.testing.assert_allclose(features, plain(images)[0].numpy(), rtol=1e-4, atol=1e-4)
    assert len(np.load(built / "radii.npy")) == 5
    facts = json.loads((built / "reference.json").read_text())
    assert facts == {"count": 5, "statistics": "ADM's, of the whole training set"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mu_s": None}, "has no mu_s"),
        ({"arr_0": None}, r"has no images \(arr_0\)"),
        ({"sigma": np.eye(64)}, r"holds sigma of float64 \(64, 64\)"),
        ({"mu": np.zeros(2048, int)}, "holds mu of int64"),
        ({"mu": np.full(2048, np.nan)}, "numbers in mu that are not finite"),
        ({"arr_0": np.zeros((5, 3, 8, 8), np.uint8)}, r"of uint8 \(5, 3, 8, 8\)"),
        ({"arr_0": np.zeros((5, 8, 8, 3), np.float32)}, "of float32"),
    ],
    ids=str,
)
def test_a_file_of_another_format_is_refused_in_a_sentence(inception, tmp_path, change, words):
    arrays = {k: v for k, v in (adm_arrays() | change).items() if v is not None}
    with pytest.raises(UserError, match=f"{words}.*: download VIRTUAL"):
        adm(tmp_path, inception[1], arrays)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 half an archive"])
def test_a_file_that_is_no_archive_is_refused_in_a_sentence(inception, tmp_path, content):
    path = tmp_path / "stats.npz"
    path.write_bytes(content)
    spec = {"kind": "adm", "fingerprint": "0", "batch": BATCH, "neighbourhood": 3}
    with pytest.raises(UserError, match="cannot be read as ADM's statistics"):
        run(reference, tmp_path / "r", spec, {"path": str(path)}, features=inception[1])

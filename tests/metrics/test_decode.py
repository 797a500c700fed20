"""From samples or real images to pictures and features, and from these to scores by seed."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from metric_jobs import BATCH, CLASSES, PER_CLASS, SCORES, SIZE, digests, run
from naive_scores import naive_frechet
from safetensors.numpy import save_file

from w2s.data.latents import Latents
from w2s.errors import UserError
from w2s.metrics import decode, evaluate, reference
from w2s.metrics.decode import groups
from w2s.metrics.extractors import Network


def decode_in(out, world, parents, **spec):
    features = {"features": world.features}
    return run(decode, out, {"batch": BATCH} | spec, world.local, **parents, **features)


def evaluate_in(out, decoded, real, **changes):
    return run(evaluate, out, {**SCORES, **changes}, decoded=decoded, reference=real)


def result_of(folder):
    return json.loads((folder / "metrics.json").read_text())


@pytest.fixture(scope="module")
def decoded(world, samples, tmp_path_factory):
    return decode_in(tmp_path_factory.mktemp("decoded") / "all", world, samples.parents)


def test_images_and_outputs_are_ordered_by_seed_then_index(world, samples, decoded):
    images, features = np.load(decoded / "images.npy"), np.load(decoded / "features.npy")
    assert (images.shape, images.dtype) == ((12, SIZE, SIZE, 3), np.uint8)
    assert np.load(decoded / "seeds.npy").tolist() == [3] * 6 + [4] * 6
    assert np.load(decoded / "labels.npy").tolist() == [0, 1, 2] * 4
    net = Network(world.features, torch.device("cpu"))
    outputs = net.extract_all(images, 12)
    np.testing.assert_allclose(outputs["features"], features, atol=1e-5)
    np.testing.assert_allclose(outputs["logits"], np.load(decoded / "logits.npy"), atol=1e-5)
    config = (world.features / "config.json").read_bytes()
    assert (decoded / "network.json").read_bytes() == config


def test_samples_are_scored_by_seed(world, decoded, tmp_path):
    result = result_of(evaluate_in(tmp_path / "scores", decoded, world.reference))
    assert (result["seeds"], result["n"], result["reference_images"]) == ([3, 4], 6, 40)
    assert list(result["per_seed"]) == SCORES["metrics"]
    features, real = np.load(decoded / "features.npy"), np.load(world.reference / "features.npy")
    seen = np.load(decoded / "logits.npy").argmax(1) == np.load(decoded / "labels.npy")
    for place, rows in enumerate((slice(0, 6), slice(6, 12))):
        expected = naive_frechet(features[rows], real)
        assert result["per_seed"]["fd"][place] == pytest.approx(expected, rel=1e-3)
        assert result["per_seed"]["accuracy"][place] == seen[rows].mean()


def test_scoring_needs_neither_the_decoder_nor_the_network(world, decoded, tmp_path):
    only = tmp_path / "only"
    only.mkdir()
    for name in ("features.npy", "seeds.npy", "network.json"):
        (only / name).write_bytes((decoded / name).read_bytes())
    whole = result_of(evaluate_in(tmp_path / "a", decoded, world.reference))["per_seed"]
    part = evaluate_in(tmp_path / "b", only, world.reference, metrics=["recall", "fd"])
    assert result_of(part)["per_seed"] == {name: whole[name] for name in ("recall", "fd")}


def test_samples_may_bring_the_constants_of_their_latents(world, samples, decoded, tmp_path):
    """Under the constants of the latents encoded here, the images are those that they give."""
    latents = Latents([samples.parents["latents"]])
    plain = latents.denormalise(samples.state["x"])
    folder = tmp_path / "scaled"
    folder.mkdir()
    save_file(samples.state | {"x": (plain - 0.25) * 2}, folder / "state.safetensors")
    parents = {"segment": [folder], "vae": samples.parents["vae"]}
    scaled = decode_in(tmp_path / "out", world, parents, scaling={"shift": 0.25, "scale": 2.0})
    ours, theirs = (np.load(f / "images.npy").astype(int) for f in (scaled, decoded))
    assert abs(ours - theirs).max() <= 1  # rounded in another order


def test_shard_order_does_not_change_a_byte(world, samples, decoded, tmp_path):
    turned = {**samples.parents, "segment": samples.parents["segment"][::-1]}
    assert digests(decode_in(tmp_path / "turned", world, turned)) == digests(decoded)


@pytest.mark.parametrize(
    "rows",
    [range(0, 12, 2), [*range(12), *range(12)], range(9)],
    ids=["every second sample", "all twice", "seeds of unequal size"],
)
def test_samples_missing_or_doubled_are_refused(world, samples, tmp_path, rows):
    (tmp_path / "odd").mkdir()
    odd = {name: np.ascontiguousarray(values[list(rows)]) for name, values in samples.state.items()}
    save_file(odd, tmp_path / "odd" / "state.safetensors")
    with pytest.raises(UserError, match="every shard exactly once"):
        decode_in(tmp_path / "out", world, {**samples.parents, "segment": [tmp_path / "odd"]})


def test_too_few_samples_name_the_key_to_change(world, decoded, tmp_path):
    with pytest.raises(UserError, match=r"samples of a seed are 6, .*kid_subset_size"):
        evaluate_in(tmp_path / "out", decoded, world.reference, kid_subset_size=6)


def test_real_images_pass_through_the_same_kinds(world, decoded, tmp_path):
    spec = {"resolution": SIZE, "per_seed": 15, "seeds": [3, 4]}
    real = decode_in(tmp_path / "real", world, {"index": world.index}, **spec)
    images, labels = np.load(real / "images.npy"), np.load(real / "labels.npy")
    brightest = images.astype(int).mean((1, 2)).argmax(1)
    np.testing.assert_array_equal(2 - brightest, labels)  # the world's colours, blue first
    result = result_of(evaluate_in(tmp_path / "scores", real, world.reference))
    assert (result["seeds"], result["n"]) == ([3, 4], 15)
    assert result["per_seed"]["accuracy"] == [1.0, 1.0]
    noise = result_of(evaluate_in(tmp_path / "noise", decoded, world.reference))
    assert max(result["per_seed"]["fd"]) < min(noise["per_seed"]["fd"])


def test_a_folder_with_too_few_real_images_is_refused(world, tmp_path):
    spec = {"resolution": SIZE, "per_seed": 31, "seeds": [3, 4]}
    with pytest.raises(UserError, match=r"60 real images are held out, .*data\.held_out"):
        decode_in(tmp_path / "real", world, {"index": world.index}, **spec)


def test_groups_are_disjoint_and_alike_in_classes():
    labels = np.repeat(np.arange(len(CLASSES)), PER_CLASS)
    rows = groups(labels, 4, 15)
    assert len(set(rows.tolist())) == len(rows) == 60
    for group in rows.reshape(4, 15):
        assert np.bincount(labels[group]).tolist() == [5, 5, 5]
    np.testing.assert_array_equal(groups(labels, 4, 15), rows)


def test_inception_passes_through_the_same_kinds(world, samples, inception, tmp_path):
    held = SimpleNamespace(features=inception[1], local=world.local)
    decoded = decode_in(tmp_path / "decoded", held, samples.parents)
    assert np.load(decoded / "spatial.npy").shape == (12, 2023)
    spec = {"kind": "images", "count": 6, "seed": 0, "resolution": SIZE, "batch": 6}
    parents = {"index": world.index, "features": inception[1]}
    spec["neighbourhood"] = 3
    real = run(reference, tmp_path / "reference", spec, world.local, **parents)
    assert set(np.load(real / "stats.npz")) == {"mu", "sigma", "mu_s", "sigma_s"}
    scores = {"metrics": ["fd", "kid", "isc"], "isc_splits": 2, "kid_subset_size": 3}
    result = result_of(run(evaluate, tmp_path / "out", scores, decoded=decoded, reference=real))
    assert result["extractor"] == "inception-v3-compat"
    assert all(len(v) == 2 and np.isfinite(v).all() for v in result["per_seed"].values())
    assert min(result["per_seed"]["isc"]) > 1

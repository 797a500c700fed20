"""From images and samples to numbers: torch-fidelity's values, the same bytes every time.

One file, because importing torch_fidelity and diffusers takes many seconds per process.
"""

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from PIL import Image
from safetensors.numpy import save_file
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

from w2s.data.csv_files import write_csv
from w2s.errors import UserError
from w2s.job import Execution, Job
from w2s.metrics import evaluate, network, reference
from w2s.metrics.extractors import Network
from w2s.metrics.scores import score, statistics
from w2s.metrics.settings import MetricSettings

SIZE, PER_CLASS, CLASSES = 16, 20, ["blue", "green", "red"]
SETTINGS = {"kid_subset_size": 5, "kid_subsets": 3, "batch": 8}
TRAINED = {
    "kind": "trained", "width": 8, "steps": 30, "batch": 16, "lr": 4e-3, "seed": 0,
    "resolution": SIZE, "images": 1000, "heads": "class",
}  # fmt: skip


def make_job(out, spec, local=None, **parents):
    out.mkdir(parents=True)
    listed = {role: p if isinstance(p, list) else [p] for role, p in parents.items()}
    return Job("kind", "key", spec, out, listed, local or {}, Execution(device="cpu"))


def run(builder, out, spec, local=None, **parents):
    facts = builder.build(make_job(out, spec, local, **parents))
    assert json.dumps(facts)  # goes into a manifest
    return out


def digests(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three classes told apart by colour, indexed; a feature network and a reference for them."""
    root, rng = tmp_path_factory.mktemp("world"), np.random.default_rng(0)
    index, rows = root / "index", []
    index.mkdir()
    for label, name in enumerate(CLASSES):
        (root / "photos" / name).mkdir(parents=True)
        for i in range(PER_CLASS):
            pixels = rng.integers(0, 60, (SIZE, SIZE, 3), np.uint8)
            pixels[..., 2 - label] += 180
            Image.fromarray(pixels).save(root / "photos" / name / f"{i:06}.png")
            file = f"{name}/{i:06}.png"
            sha256 = hashlib.sha256((root / "photos" / file).read_bytes()).hexdigest()
            rows.append((file, label, sha256, SIZE, SIZE))
    write_csv(index / "index.csv", ["file", "label", "sha256", "width", "height"], rows)
    (index / "classes.json").write_text(json.dumps(CLASSES))
    local = {"path": str(root / "photos")}
    features = run(network, root / "features", TRAINED, local, index=index)
    spec = {"count": 40, "held_out": 20, "resolution": SIZE, "seed": 0, "settings": SETTINGS}
    real = run(reference, root / "reference", spec, local, index=index, features=features)
    return SimpleNamespace(
        root=root, index=index, local=local, features=features, reference=real, spec=spec
    )


@pytest.fixture(scope="module")
def samples(world):
    """Two shards of two seeds with six samples each, a tiny VAE, and the latents' constants."""
    rng, latents = np.random.default_rng(1), world.root / "latents"
    torch.manual_seed(0)
    vae = AutoencoderKL(
        block_out_channels=(8, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=2,
        norm_num_groups=4,
        sample_size=SIZE,
    )
    vae.save_pretrained(world.root / "vae" / "vae")
    mean = rng.normal(size=(7, 2, SIZE // 2, SIZE // 2)).astype(np.float32)
    latents.mkdir()
    np.save(latents / "mean.npy", mean)
    np.save(latents / "std.npy", np.full_like(mean, 0.1))
    np.save(latents / "labels.npy", np.zeros(7, np.int64))
    np.save(latents / "rows.npy", np.arange(7))
    facts = {
        "classes": 3, "channels": 2, "size": SIZE // 2, "shift": None, "scale": None,
        "count": mean[:, 0].size, "sum": mean.sum((0, 2, 3), np.float64).tolist(),
        "sum_sq": np.square(mean, dtype=np.float64).sum((0, 2, 3)).tolist(),
    }  # fmt: skip
    (latents / "latents.json").write_text(json.dumps(facts))
    state = {
        "x": rng.normal(size=(12, 2, SIZE // 2, SIZE // 2)).astype(np.float32),
        "index": np.tile(np.arange(6), 2),
        "label": np.tile(np.arange(3), 4),
        "seed": np.repeat([4, 3], 6),
    }
    shards = []
    for shard in range(2):
        shards.append(world.root / f"segment-{shard}")
        shards[-1].mkdir()
        part = {name: np.ascontiguousarray(values[shard::2]) for name, values in state.items()}
        save_file(part, shards[-1] / "state.safetensors")
    parents = {"vae": world.root / "vae", "latents": latents, "segment": shards}
    return SimpleNamespace(parents=parents, state=state)


def evaluate_in(out, world, samples, **changes):
    spec = {"metrics": ["fd", "kid", "precision", "recall", "accuracy"], **SETTINGS}
    parents = {**samples.parents, "features": world.features, "reference": world.reference}
    return run(evaluate, out, {**spec, **changes}, **parents)


def naive_frechet(a, b):
    values, vectors = np.linalg.eigh(np.cov(a, rowvar=False))
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    product = np.linalg.eigvalsh(root @ np.cov(b, rowvar=False) @ root).clip(0)
    spread = np.cov(a, rowvar=False) + np.cov(b, rowvar=False)
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(spread) - 2 * np.sqrt(product).sum()


def naive_kid(a, b, subsets, size, seed):
    rng, estimates = np.random.RandomState(seed), []
    for _ in range(subsets):
        x = a[rng.choice(len(a), size, replace=False)]
        y = b[rng.choice(len(b), size, replace=False)]
        own = [(u @ v / len(u) + 1) ** 3 for s in (x, y) for i, u in enumerate(s)
               for j, v in enumerate(s) if i != j]  # fmt: skip
        cross = [(u @ v / len(u) + 1) ** 3 for u in x for v in y]
        estimates.append(sum(own) / (size * (size - 1)) - 2 * np.mean(cross))
    return np.mean(estimates)


def naive_share_inside(points, manifold, k):
    def inside(point):
        return any(
            np.linalg.norm(point - centre)
            <= np.sort([np.linalg.norm(centre - other) for other in manifold])[k]
            for centre in manifold
        )

    return np.mean([inside(point) for point in points])


def test_metrics_equal_independent_naive_ones():
    rng = np.random.default_rng(3)
    generated = rng.normal(0.5, 1.0, (30, 4)).astype(np.float32)
    real = rng.normal(0.0, 1.3, (40, 4)).astype(np.float32)
    ref = SimpleNamespace(
        features=real, stats=statistics({"features": real, "spatial": real[:, :2]})
    )
    settings = MetricSettings(
        metrics=["recall", "fd", "sfd", "kid", "precision"], kid_subset_size=12, kid_subsets=4,
        prc_neighbourhood=2, seed=5,
    )  # fmt: skip
    outputs = {"features": generated, "spatial": generated[:, 1:3]}
    found = score(outputs, np.zeros(30), ref, None, settings)
    assert list(found) == ["recall", "fd", "sfd", "kid", "precision"]
    assert found["sfd"] == pytest.approx(naive_frechet(generated[:, 1:3], real[:, :2]), rel=1e-5)
    assert found["fd"] == pytest.approx(naive_frechet(generated, real), rel=1e-5)
    assert found["kid"] == pytest.approx(naive_kid(generated, real, 4, 12, 5), rel=1e-4)
    assert found["precision"] == pytest.approx(naive_share_inside(generated, real, 2), abs=1e-6)
    assert found["recall"] == pytest.approx(naive_share_inside(real, generated, 2), abs=1e-6)
    assert 0 < found["recall"] < 1


def test_identical_sets_are_at_distance_zero():
    same = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    ref = SimpleNamespace(features=same, stats=statistics({"features": same}))
    settings = MetricSettings(metrics=["fd", "precision", "recall"])
    found = score({"features": same}, np.zeros(50), ref, None, settings)
    assert found == {"fd": pytest.approx(0, abs=1e-6), "precision": 1.0, "recall": 1.0}


def test_the_network_learns_and_its_features_have_unit_spread(world):
    config = json.loads((world.features / "config.json").read_text())
    assert config["val_accuracy"] == {"class": 1.0}
    assert np.load(world.reference / "features.npy").std() == pytest.approx(1, abs=0.1)


def test_extraction_does_not_depend_on_the_batch(world):
    images = np.random.default_rng(0).integers(0, 256, (13, SIZE, SIZE, 3), np.uint8)
    net = Network(world.features, torch.device("cpu"))
    whole, pieces = net.extract_all(images, 13), net.extract_all(images, 4)
    for name in ("features", "logits"):
        np.testing.assert_allclose(whole[name], pieces[name], atol=1e-5)


@pytest.mark.parametrize(
    ("change", "advice"),
    [({"lr": 1e30}, "lower its lr"), ({"images": 9}, "raise the feature network's images")],
)
def test_training_that_cannot_succeed_is_refused(world, tmp_path, change, advice):
    with pytest.raises(UserError, match=advice):
        run(network, tmp_path / "net", {**TRAINED, **change}, world.local, index=world.index)


def test_other_resolutions_pass_through_the_network(world):
    net = Network(world.features, torch.device("cpu"))
    assert net.extract(np.zeros((2, 24, 40, 3), np.uint8))["features"].shape == (2, 64)


def test_trained_and_reference_nodes_have_the_same_bytes_again(world, tmp_path):
    again = run(network, tmp_path / "features", TRAINED, world.local, index=world.index)
    assert digests(again) == digests(world.features)
    parents = {"index": world.index, "features": again}
    real = run(reference, tmp_path / "reference", world.spec, world.local, **parents)
    assert digests(real) == digests(world.reference)
    assert {"features.npy", "stats.npz", "reference.json"} == set(digests(real))


def test_a_small_folder_gives_a_fifth_to_the_floor(world):
    facts = json.loads((world.reference / "reference.json").read_text())
    assert (facts["count"], facts["held_out"]) == (40, 12)
    assert facts["accuracy"] == facts["floor"]["accuracy"] == 1.0
    assert 0.5 < facts["confidence"] <= 1


def test_a_folder_too_small_for_the_metrics_is_refused(world, tmp_path):
    spec = {**world.spec, "settings": {**SETTINGS, "kid_subset_size": 12}}
    parents = {"index": world.index, "features": world.features}
    with pytest.raises(UserError, match=r"held-out real images are 12, .*kid_subset_size"):
        run(reference, tmp_path / "reference", spec, world.local, **parents)


def test_another_resolution_than_the_networks_is_refused(world, tmp_path):
    parents = {"index": world.index, "features": world.features}
    with pytest.raises(UserError, match=f"trained at {SIZE} pixels"):
        run(reference, tmp_path / "r", {**world.spec, "resolution": 32}, world.local, **parents)


def test_attribute_heads_are_trained_from_the_toy_worlds_layout(world, tmp_path):
    (tmp_path / "index").mkdir()
    for name in ("index.csv", "classes.json"):
        (tmp_path / "index" / name).write_bytes((world.index / name).read_bytes())
    head = ("file", "class", "caption", "shape", "colour", "texture", "background", "size")
    lines = [",".join(head)]
    for name in CLASSES:
        for i in range(PER_CLASS):
            texture = ("plain", "striped")[i % 2]
            lines.append(f"{name}/{i:06}.png,{name},a,square,{name},{texture},dark,big")
    (tmp_path / "index" / "attributes.csv").write_text("\n".join(lines))
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "images").symlink_to(world.root / "photos")
    parents = {"index": tmp_path / "index", "images": tmp_path / "toy"}
    built = run(network, tmp_path / "net", {**TRAINED, "heads": "attributes"}, **parents)
    config = json.loads((built / "config.json").read_text())
    assert config["classes"]["red"] == {"shape": "square", "colour": "red"}
    assert config["val_accuracy"]["colour"] == 1.0
    assert config["heads"]["texture"] == ["plain", "striped"]


def test_samples_are_scored_by_seed_in_sample_order(world, samples, tmp_path):
    out = evaluate_in(tmp_path / "all", world, samples)
    result = json.loads((out / "metrics.json").read_text())
    assert (result["seeds"], result["n"]) == ([3, 4], 6)
    assert list(result["per_seed"]) == ["fd", "kid", "precision", "recall", "accuracy"]
    features = np.load(out / "features.npy")
    images = np.load(out / "images.npy")
    assert images.shape == (12, SIZE, SIZE, 3)
    assert images.dtype == np.uint8
    net = Network(world.features, torch.device("cpu"))
    np.testing.assert_allclose(net.extract_all(images, 12)["features"], features, atol=1e-5)
    real = np.load(world.reference / "features.npy")
    for place, rows in enumerate((slice(0, 6), slice(6, 12))):
        expected = naive_frechet(features[rows], real)
        assert result["per_seed"]["fd"][place] == pytest.approx(expected, rel=1e-3)
    seen = net.extract_all(images, 12)["logits"].argmax(1) == np.tile(np.arange(3), 4)
    assert result["per_seed"]["accuracy"] == [seen[:6].mean(), seen[6:].mean()]


def test_shard_order_does_not_change_a_byte(world, samples, tmp_path):
    turned = {**samples.parents, "segment": samples.parents["segment"][::-1]}
    first = evaluate_in(tmp_path / "a", world, samples)
    second = evaluate_in(tmp_path / "b", world, SimpleNamespace(parents=turned))
    assert digests(first) == digests(second)


@pytest.mark.parametrize(
    "rows",
    [range(0, 12, 2), [*range(12), *range(12)], range(9)],
    ids=["every second sample", "all twice", "seeds of unequal size"],
)
def test_samples_missing_or_doubled_are_refused(world, samples, tmp_path, rows):
    (tmp_path / "odd").mkdir()
    odd = {name: np.ascontiguousarray(values[list(rows)]) for name, values in samples.state.items()}
    save_file(odd, tmp_path / "odd" / "state.safetensors")
    parents = SimpleNamespace(parents={**samples.parents, "segment": [tmp_path / "odd"]})
    with pytest.raises(UserError, match="every shard exactly once"):
        evaluate_in(tmp_path / "out", world, parents)


def test_too_few_samples_name_the_key_to_change(world, samples, tmp_path):
    with pytest.raises(UserError, match=r"samples of a seed are 6, .*kid_subset_size"):
        evaluate_in(tmp_path / "out", world, samples, kid_subset_size=6)


@pytest.fixture(scope="module")
def inception(world):
    """A features node from random weights in the published file's format."""
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        module = "torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url"
        patch.setattr(module, lambda *args, **kwargs: {})
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda self, state: None)
        plain = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"])
    for weight in plain.parameters():
        if weight.dim() == 4:  # torch's own initialisation fades to nothing over 40 layers
            torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
    torch.save(plain.state_dict(), world.root / "inception.pth")
    spec = {"kind": "inception-v3-compat", "fingerprint": "0"}
    local = {"path": str(world.root / "inception.pth")}
    return plain, run(network, world.root / "inception", spec, local)


def test_inception_outputs_are_torch_fidelitys(inception):
    plain, folder = inception
    images = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    found = Network(folder, torch.device("cpu")).extract(images)
    maps = []
    plain.Mixed_6d.branch1x1.register_forward_hook(lambda *call: maps.append(call[-1]))
    features, logits = plain(torch.from_numpy(images).permute(0, 3, 1, 2))
    np.testing.assert_array_equal(found["features"], features.numpy())
    np.testing.assert_array_equal(found["logits"], logits.numpy())
    assert found["spatial"].shape == (2, 7 * 17 * 17)
    np.testing.assert_array_equal(found["spatial"], maps[0][:, :7].reshape(2, -1).numpy())


def test_inception_scores_through_the_same_path(world, samples, inception, tmp_path):
    settings = {"metrics": ["fd", "kid", "isc"], "isc_splits": 2, "batch": 6}
    settings |= {"kid_subset_size": 3, "kid_subsets": 2}
    floor = {**settings, "metrics": ["kid"]}  # one eigenvalue problem of 2048 dimensions less
    spec = {"count": 6, "held_out": 4, "resolution": SIZE, "seed": 0, "settings": floor}
    parents = {"index": world.index, "features": inception[1]}
    real = run(reference, tmp_path / "reference", spec, world.local, **parents)
    assert set(np.load(real / "stats.npz")) == {"mu", "sigma", "mu_s", "sigma_s"}
    held = SimpleNamespace(features=inception[1], reference=real)
    out = evaluate_in(tmp_path / "out", held, samples, **settings)
    per_seed = json.loads((out / "metrics.json").read_text())["per_seed"]
    assert all(len(values) == 2 and np.isfinite(values).all() for values in per_seed.values())
    assert min(per_seed["isc"]) > 1
    with pytest.raises(UserError, match="take accuracy out of metrics"):
        evaluate_in(tmp_path / "refused", held, samples, **{**settings, "metrics": ["accuracy"]})


def test_a_file_that_is_no_inception_is_refused(world, tmp_path):
    torch.save({"fc.weight": torch.zeros(3)}, tmp_path / "other.pth")
    spec = {"kind": "inception-v3-compat", "fingerprint": "0"}
    with pytest.raises(UserError, match="does not hold torch-fidelity's InceptionV3 weights"):
        run(network, tmp_path / "features", spec, {"path": str(tmp_path / "other.pth")})

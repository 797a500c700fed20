"""Feature networks: trained on the spot or Inception's, the same bytes every time."""

import json

import numpy as np
import pytest
import torch
from metric_jobs import CLASSES, PER_CLASS, SIZE, TRAINED, digests, run

from w2s.data.sources import PACK, Packing
from w2s.errors import UserError
from w2s.metrics import network
from w2s.metrics.extractors import Network


def test_the_network_learns_and_its_features_have_unit_spread(world):
    config = json.loads((world.features / "config.json").read_text())
    assert config["val_accuracy"] == {"class": 1.0}
    assert np.load(world.reference / "features.npy").std() == pytest.approx(1, abs=0.1)


def test_the_same_spec_gives_the_same_bytes(world, tmp_path):
    again = run(network, tmp_path / "features", TRAINED, world.local, index=world.index)
    assert digests(again) == digests(world.features)


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
    with Packing(tmp_path / "toy" / PACK) as pack:
        for path in sorted((world.root / "photos").rglob("*.png")):
            pack.add(path.relative_to(world.root / "photos").as_posix(), path.read_bytes())
    parents = {"index": tmp_path / "index", "images": tmp_path / "toy"}
    built = run(network, tmp_path / "net", {**TRAINED, "heads": "attributes"}, **parents)
    config = json.loads((built / "config.json").read_text())
    assert config["classes"]["red"] == {"shape": "square", "colour": "red"}
    assert config["val_accuracy"]["colour"] == 1.0
    assert config["heads"]["texture"] == ["plain", "striped"]


def test_inception_outputs_are_torch_fidelitys(inception):
    plain, folder = inception
    images = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), np.uint8)
    found = Network(folder, torch.device("cpu")).extract(images)
    maps = []
    plain.Mixed_6d.branch1x1.register_forward_hook(lambda *call: maps.append(call[-1]))
    features, logits = plain(torch.from_numpy(images).permute(0, 3, 1, 2))
    np.testing.assert_array_equal(found["features"], features.numpy())
    np.testing.assert_array_equal(found["logits"], logits.numpy())
    channels_last = maps[0][:, :7].permute(0, 2, 3, 1)  # as TensorFlow, and so ADM, orders them
    assert found["spatial"].shape == (2, 7 * 17 * 17)
    np.testing.assert_array_equal(found["spatial"], channels_last.reshape(2, -1).numpy())


def test_a_file_that_is_no_inception_is_refused(world, tmp_path):
    torch.save({"fc.weight": torch.zeros(3)}, tmp_path / "other.pth")
    spec = {"kind": "inception-v3-compat", "fingerprint": "0"}
    with pytest.raises(UserError, match="does not hold torch-fidelity's InceptionV3 weights"):
        run(network, tmp_path / "features", spec, {"path": str(tmp_path / "other.pth")})

"""FD-DINOv2 against what its released code does, on random weights in the published format."""

import json
from types import SimpleNamespace

import naive_towers as naive
import numpy as np
import pytest
import tiny_judges
import torch
from metric_jobs import BATCH, REFERENCE, digests, run
from PIL import Image
from test_prompted_scores import Danger
from torchvision import transforms

from w2s.errors import UserError
from w2s.metrics import evaluate, network, reference
from w2s.metrics.extractors import Network

WIDTH, DEPTH, HEADS = 64, 2, 1
SPEC = {"kind": "dinov2", "fingerprint": "0", "width": WIDTH, "depth": DEPTH}


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A features node, and the weights that it was made of."""
    root = tmp_path_factory.mktemp("dinov2")
    weights = tiny_judges.dinov2(root / "dinov2.pth", WIDTH, DEPTH)
    folder = run(network, root / "node", SPEC, {"path": str(root / "dinov2.pth")})
    return SimpleNamespace(folder=folder, weights=weights, root=root)


def images(height, width, n=3):
    """Smooth ones under noise, so that how they shrink matters."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (n, 5, 7, 3), np.uint8)
    large = np.stack([np.asarray(Image.fromarray(x).resize((width, height))) for x in coarse])
    return (large * rng.uniform(0.5, 1, large.shape)).astype(np.uint8)


def expected(pictures, weights) -> np.ndarray:
    """Features by the transforms of Stein et al.'s code and the plain tower, in float64."""
    transform = transforms.Compose(
        [
            transforms.Resize((224, 224), transforms.InterpolationMode.BICUBIC),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    x = torch.stack([transform(Image.fromarray(picture)) for picture in pictures])
    exact = {name: value.double() for name, value in weights.items()}
    return naive.dinov2(x.double(), exact, DEPTH, HEADS).numpy()


@pytest.mark.parametrize("size", [(224, 224), (48, 80), (400, 260)])
def test_features_are_those_of_the_released_code(node, size):
    pictures = images(*size)
    found = Network(node.folder, torch.device("cpu")).extract(pictures)
    assert found.keys() == {"features"}
    assert found["features"].shape == (3, WIDTH)
    assert found["features"].dtype == np.float32
    theirs = expected(pictures, node.weights)
    np.testing.assert_allclose(found["features"], theirs, rtol=1e-4, atol=1e-4)
    assert theirs.std(0).mean() > 1e-2


def test_places_are_read_as_torch_interpolates_them():
    """The plain re-implementation's own kernel, once by itself."""
    grid = torch.randn(37, 37, 2, dtype=torch.float64)
    scale = 16.1 / 37
    torchs = torch.nn.functional.interpolate(
        grid.permute(2, 0, 1)[None], scale_factor=(scale, scale), mode="bicubic"
    )
    torch.testing.assert_close(naive.resampled(grid, 16, scale), torchs[0].permute(1, 2, 0))


def test_features_are_of_each_image_alone(node):
    net, pictures = Network(node.folder, torch.device("cpu")), images(64, 48, 5)
    whole, pieces = net.extract_all(pictures, 5), net.extract_all(pictures, 2)
    np.testing.assert_allclose(whole["features"], pieces["features"], rtol=1e-4, atol=1e-4)


def test_the_node_has_the_published_weights_and_no_others(node, tmp_path):
    again = run(network, tmp_path / "node", SPEC, {"path": str(node.root / "dinov2.pth")})
    assert digests(again) == digests(node.folder)
    config = json.loads((again / "config.json").read_text())
    assert config == {"kind": "dinov2", "std": 1.0, "width": WIDTH, "depth": DEPTH}


def frechet(a, b) -> float:
    """|mean a - mean b|^2 + tr(A + B - 2 (A^1/2 B A^1/2)^1/2), by symmetric roots."""

    def root(matrix):
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * np.sqrt(values.clip(0))) @ vectors.T

    left, right = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    half = root(left)
    gap = a.mean(0) - b.mean(0)
    return gap @ gap + np.trace(left + right - 2 * root(half @ right @ half))


def test_the_distance_stands_beside_that_of_another_network(node, world, samples, tmp_path):
    """Of a set that has features of the study's own network, seed by seed."""
    from w2s.metrics import decode

    parents = samples.parents | {"features": world.features}
    decoded = run(decode, tmp_path / "decoded", {"batch": BATCH}, **parents)
    parents = {"index": world.index, "features": node.folder}
    real = run(reference, tmp_path / "reference", REFERENCE, world.local, **parents)
    spec = {"metrics": ["fd_dinov2"], "batch": BATCH}
    parents = {"decoded": decoded, "features": node.folder, "reference": real}
    found = json.loads(
        (run(evaluate, tmp_path / "out", spec, **parents) / "metrics.json").read_text()
    )

    pictures, seeds = np.load(decoded / "images.npy"), np.load(decoded / "seeds.npy")
    theirs = np.load(real / "features.npy").astype(np.float64)
    mine = expected(pictures, node.weights)
    wanted = [frechet(mine[seeds == seed], theirs) for seed in found["seeds"]]
    np.testing.assert_allclose(found["per_seed"]["fd_dinov2"], wanted, rtol=1e-3)
    assert found["extractor"] == "dinov2, width 64, 2 blocks"
    assert found["reference_images"] == REFERENCE["count"]


def changed(path, **changes):
    """The tiny file with other entries; None takes one out."""
    weights = tiny_judges.dinov2(path) | changes
    torch.save({name: value for name, value in weights.items() if value is not None}, path)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"register_tokens": torch.zeros(1, 4, 64)}, "register_tokens is unknown"),
        ({"pos_embed": torch.zeros(1, 257, 64)}, "pos_embed is (1, 257, 64) and not (1, 1370, 64)"),
        ({"pos_embed": None}, "pos_embed is missing"),
        ({"blocks.2.norm1.weight": torch.zeros(64)}, "blocks.2.norm1.weight is unknown"),
        ({"norm.bias": None}, "norm.bias is missing"),
        ({"cls_token": torch.zeros(1, 1, 32)}, "cls_token is (1, 1, 32) and not (1, 1, 64)"),
    ],
)
def test_a_file_of_another_format_is_refused_by_name(tmp_path, changes, sentence):
    changed(tmp_path / "other.pth", **changes)
    with pytest.raises(UserError) as refused:
        run(network, tmp_path / "node", SPEC, {"path": str(tmp_path / "other.pth")})
    start = f"{tmp_path / 'other.pth'} does not hold a DINOv2 of width 64 with 2 blocks: "
    assert str(refused.value) == start + sentence


@pytest.mark.parametrize("content", [{"a": Danger()}, [1, 2]])
def test_other_pickles_are_refused_and_not_run(tmp_path, content, capsys):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other\.pth"):
        run(network, tmp_path / "node", SPEC, {"path": str(tmp_path / "other.pth")})
    assert "run" not in capsys.readouterr().out

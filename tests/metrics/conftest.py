"""A small world of images, samples and networks, built once for all tests of metrics."""

import hashlib
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from metric_jobs import CLASSES, PER_CLASS, REFERENCE, SIZE, TRAINED, run
from PIL import Image
from safetensors.numpy import save_file

from w2s.data.csv_files import write_csv


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Three classes told apart by colour, indexed, with a feature network and a reference."""
    from w2s.metrics import network, reference

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
    real = run(reference, root / "reference", REFERENCE, local, index=index, features=features)
    return SimpleNamespace(root=root, index=index, local=local, features=features, reference=real)


@pytest.fixture(scope="session")
def samples(world):
    """Two shards of two seeds with six samples each, a tiny VAE, and the latents' constants."""
    from diffusers import AutoencoderKL

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


@pytest.fixture(scope="session")
def inception(world):
    """A features node from random weights in the published file's format."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    from w2s.metrics import network

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

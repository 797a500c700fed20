"""Autoencoders: training is repeatable and learns, folders are checked, encoding is stable."""

import json

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL

from w2s.data import encode, index
from w2s.data.csv_files import read_csv
from w2s.data.images import Images
from w2s.data.latents import Latents
from w2s.data.sources import PACK, Pack
from w2s.errors import UserError
from w2s.job import Execution, Job
from w2s.models import vae
from w2s.training.vae import build as build_vae
from w2s.world import render

CPU = Execution(device="cpu")
SPEC = {
    "kind": "trained",
    "resolution": 8,
    "block_channels": [4, 8],
    "latent_channels": 2,
    "layers": 1,
    "norm_groups": 2,
    "steps": 60,
    "batch": 8,
    "lr": 1e-2,
    "mse_weight": 2.0,
    "kl_weight": 5e-4,
    "seed": 0,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Rendered images and their index, as parents of later nodes."""
    root = tmp_path_factory.mktemp("world")
    for name in ("images", "index"):
        (root / name).mkdir()
    spec = {"count": 90, "resolution": 8, "jitter": 0.25, "seed": 0}
    render.build(Job("images", "k", spec, root / "images"))
    parents = {"images": [root / "images"]}
    spec = {"source": "images", "on_bad_file": "refuse"}
    index.build(Job("index", "k", spec, root / "index", parents))
    return parents | {"index": [root / "index"]}


def run_vae(out, parents, **changes):
    out.mkdir()
    return build_vae(Job("vae", "k", SPEC | changes, out, parents, execution=CPU))


@pytest.fixture(scope="module")
def trained(world, tmp_path_factory):
    node = tmp_path_factory.mktemp("trained") / "node"
    return node, run_vae(node, world)


def given_folder(path, **config):
    """A random autoencoder saved as others publish theirs."""
    torch.manual_seed(1)
    shape = {"block_out_channels": (4, 8), "latent_channels": 3, "norm_num_groups": 2}
    shape["down_block_types"] = ("DownEncoderBlock2D",) * 2
    shape["up_block_types"] = ("UpDecoderBlock2D",) * 2
    AutoencoderKL(**shape, **config).save_pretrained(path)
    return path


def take_folder(path, out):
    out.mkdir()
    spec = {"kind": "diffusers", "fingerprint": "f"}
    return build_vae(Job("vae", "k", spec, out, local={"path": path}, execution=CPU))


def run_encode(out, parents, vae_node, shard=0, of=1, flip=False):
    out.mkdir()
    spec = {"resolution": 8, "flip": flip, "shard": shard, "of": of, "batch": 16}
    job = Job("latents", "k", spec, out, parents | {"vae": [vae_node]}, execution=CPU)
    encode.build(job)
    return out


def test_training_learns_and_logs(trained):
    node, facts = trained
    rows = read_csv(node / "log.csv")
    assert [int(row["step"]) for row in rows] == list(range(1, 61))
    first, last = (np.mean([float(row["l1"]) for row in part]) for part in (rows[:5], rows[-5:]))
    assert last < 0.75 * first
    assert facts["val_psnr"] > 12
    assert vae.published_scaling(vae.load_vae(node)) is None


def test_training_repeats_to_the_byte(trained, world, tmp_path):
    node, facts = trained
    assert run_vae(tmp_path / "again", world) == facts
    for path in (tmp_path / "again").rglob("*.*"):
        assert path.read_bytes() == (node / path.relative_to(tmp_path / "again")).read_bytes()


def test_a_diverging_run_says_so(world, tmp_path):
    with pytest.raises(UserError, match="not finite at step"):
        run_vae(tmp_path / "node", world, lr=1e30)


def test_a_given_folder_keeps_weights_and_scaling_but_not_its_place(tmp_path):
    folder = given_folder(tmp_path / "given", scaling_factor=1.5, shift_factor=0.06)
    take_folder(folder, tmp_path / "node")
    ours, theirs = vae.load_vae(tmp_path / "node"), AutoencoderKL.from_pretrained(folder)
    assert all(torch.equal(ours.state_dict()[k], v) for k, v in theirs.state_dict().items())
    assert vae.published_scaling(ours) == (0.06, 1.5)
    assert str(tmp_path) not in (tmp_path / "node/vae/config.json").read_text()


def test_unusable_folders_are_refused_with_the_reason(tmp_path):
    folder = given_folder(tmp_path / "given")
    weights = folder / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UserError, match="cannot be loaded"):
        take_folder(folder, tmp_path / "a")
    weights.unlink()
    with pytest.raises(UserError, match="cannot be loaded"):
        take_folder(folder, tmp_path / "b")
    (folder / "config.json").write_text('{"_class_name": "UNet2DModel"}')
    with pytest.raises(UserError, match="holds a UNet2DModel"):
        take_folder(folder, tmp_path / "c")
    with pytest.raises(UserError, match=r"has no config\.json"):
        take_folder(tmp_path / "absent", tmp_path / "d")


def test_missing_weights_are_named(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = given_folder(tmp_path / "given")
    weights = folder / "diffusion_pytorch_model.safetensors"
    save_file({k: v for k, v in load_file(weights).items() if k != "quant_conv.bias"}, weights)
    with pytest.raises(UserError, match=r"lacks weights \(quant_conv\.bias\)"):
        take_folder(folder, tmp_path / "node")


def test_encoding_and_decoding_follow_diffusers(trained, world):
    node, _ = trained
    model = vae.load_vae(node)
    images = Images(world["index"][0], Pack(world["images"][0] / PACK), 8).read(np.arange(5))
    mean, std = vae.encode(model, images, 4)
    x = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    posterior = model.encode(x).latent_dist
    assert np.allclose(mean, posterior.mean, atol=1e-5)
    assert np.allclose(std, posterior.std, atol=1e-5)
    pixels = (model.decode(posterior.mean).sample.permute(0, 2, 3, 1) / 2 + 0.5).clamp(0, 1) * 255
    decoded = vae.decode(model, mean, 4)
    assert decoded.dtype == np.uint8
    assert np.abs(decoded - pixels.numpy()).max() < 0.51


def test_an_items_result_does_not_depend_on_the_others(trained, world):
    model = vae.load_vae(trained[0])
    images = Images(world["index"][0], Pack(world["images"][0] / PACK), 8).read(np.arange(21))
    mean, std = vae.encode(model, images, 8)
    for rows in (slice(0, 1), slice(3, 14), slice(1, None, 2)):
        part = vae.encode(model, np.ascontiguousarray(images[rows]), 8)
        assert np.array_equal(part[0], mean[rows])
        assert np.array_equal(part[1], std[rows])
        assert np.array_equal(vae.decode(model, mean, 8)[rows], vae.decode(model, mean[rows], 8))


def test_shards_hold_the_bytes_of_the_whole(trained, world, tmp_path):
    whole = run_encode(tmp_path / "whole", world, trained[0])
    dirs = [run_encode(tmp_path / f"{i}", world, trained[0], i, 3) for i in range(3)]
    for name in ("mean", "std", "labels", "rows"):
        everything = np.load(whole / f"{name}.npy")
        for shard, path in enumerate(dirs):
            assert np.array_equal(np.load(path / f"{name}.npy"), everything[shard::3])
    one, three = Latents([whole]), Latents(dirs)
    assert np.allclose(one.scale, three.scale, rtol=1e-6)
    assert np.allclose(one.shift, three.shift, rtol=1e-5, atol=1e-6)


def test_sampled_latents_have_unit_variance(trained, world, tmp_path):
    latents = Latents([run_encode(tmp_path / "node", world, trained[0], flip=True)])
    assert (len(latents), latents.classes, latents.channels, latents.size) == (90, 30, 2, 4)
    z, _ = latents.batch(np.tile(np.arange(90), 20), np.random.default_rng(0))
    assert np.abs(z.mean((0, 2, 3))).max() < 0.05
    assert np.abs(z.var((0, 2, 3)) - 1).max() < 0.1


def test_the_second_view_is_the_mirror_image(trained, world, tmp_path):
    node = run_encode(tmp_path / "node", world, trained[0], flip=True)
    images = Images(world["index"][0], Pack(world["images"][0] / PACK), 8).read(np.arange(16))
    mean, _ = vae.encode(vae.load_vae(trained[0]), images[:, :, ::-1].copy(), 16)
    stored = np.load(node / "mean.npy", mmap_mode="r")
    assert stored.shape == (90, 2, 2, 4, 4)
    assert np.array_equal(stored[:16, 1], mean)


def test_published_scaling_reaches_the_latents(world, tmp_path):
    folder = given_folder(tmp_path / "given", scaling_factor=0.2)
    take_folder(folder, tmp_path / "vae")
    node = run_encode(tmp_path / "node", world, tmp_path / "vae")
    assert json.loads((node / "latents.json").read_text())["scale"] == 0.2
    latents = Latents([node])
    assert np.allclose(latents.scale, 0.2)
    assert np.allclose(latents.shift, 0.0)


def test_more_shards_than_images_are_refused(trained, world, tmp_path):
    with pytest.raises(UserError, match="90 images cannot fill 91 shards"):
        run_encode(tmp_path / "node", world, trained[0], 90, 91)

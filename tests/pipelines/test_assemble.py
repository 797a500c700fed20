"""A pipeline folder of networks trained here: stock diffusers opens it, and it draws as they do."""

import json

import numpy as np
import pytest
import torch
from diffusers import StableDiffusion3Pipeline
from safetensors.torch import save_file
from tiny_sd3 import LATENT, pipeline, transformer, vae
from torch.testing import assert_close

from w2s.job import Execution, Job
from w2s.models.sd3_network import SD3
from w2s.pipelines import assemble
from w2s.pipelines.folder import read_folder

SHIFT, SCALE = np.float32([0.3, -1.2, 0.1, 2.0]), np.float32([1.5, 0.4, 2.0, 0.9])


def autoencoder():
    convolved = {"use_quant_conv": True, "use_post_quant_conv": True}
    made = type(vae()).from_config({**vae().config, **convolved})
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.2)
    return made.eval()


@pytest.fixture
def parents(tmp_path):
    folders = {name: tmp_path / name for name in ("weights", "towers", "vae", "latents")}
    for folder in folders.values():
        folder.mkdir()
    net = SD3(transformer())
    save_file(net.state_dict(), folders["weights"] / "model.safetensors")
    (folders["weights"] / "config.json").write_text(json.dumps(net.config()))
    for name in assemble.TEXT:
        getattr(pipeline(), name).save_pretrained(folders["towers"] / name)
    autoencoder().save_pretrained(folders["vae"] / "vae")
    count = 10_000
    facts = {
        "classes": 1, "channels": LATENT, "size": 2, "shift": None, "scale": None, "count": count,
        "sum": (count * SHIFT).tolist(), "sum_sq": (count * (SHIFT**2 + SCALE**-2.0)).tolist(),
    }  # fmt: skip
    (folders["latents"] / "latents.json").write_text(json.dumps(facts))
    for name in ("mean", "std"):
        np.save(folders["latents"] / f"{name}.npy", np.zeros((1, LATENT, 2, 2), np.float32))
    for name in ("rows", "labels"):
        np.save(folders["latents"] / f"{name}.npy", np.zeros(1, np.int64))
    return folders


@pytest.fixture
def made(parents, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    listed = {role: [folder] for role, folder in parents.items()}
    spec = {"shift": 2.0, "text_tokens": 24}
    execution = Execution(device="cpu", state=tmp_path / "state")
    assemble.build(Job("pipeline", "0", spec, out, listed, execution=execution))
    return out


def test_it_reads_as_any_folder(made):
    folder = read_folder(made)
    assert folder.max_sequence_length == 24 - folder.clip_tokens
    assert not folder.t5
    assert folder.scheduler["shift"] == 2.0
    assert folder.vae["scaling_factor"] == 1


def opened(folder):
    """As anyone opens a folder without a T5."""
    return StableDiffusion3Pipeline.from_pretrained(folder, text_encoder_3=None, tokenizer_3=None)


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_stock_diffusers_opens_it_and_draws_the_same_latents(made, guidance):
    ours = opened(made)
    assert ours.scheduler.config.shift == 2.0
    parts = pipeline().components | {"scheduler": ours.scheduler}
    first, second = (
        pipe(
            "small red star",
            num_inference_steps=3,
            guidance_scale=guidance,
            height=16,
            width=16,
            output_type="latent",
            max_sequence_length=8,
            generator=torch.Generator().manual_seed(0),
        ).images
        for pipe in (ours, StableDiffusion3Pipeline(**parts))
    )
    assert_close(first, second, rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_its_latents_are_normalised_channel_by_channel(made):
    ours, own = opened(made).vae, autoencoder()
    shift, scale = (torch.from_numpy(v)[:, None, None] for v in (SHIFT, SCALE))
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    theirs, given = ours.encode(images).latent_dist, own.encode(images).latent_dist
    assert_close(theirs.mean, (given.mean - shift) * scale, rtol=1e-5, atol=1e-5)
    assert_close(theirs.std, given.std * scale, rtol=1e-5, atol=1e-5)
    z = torch.randn(2, LATENT, 8, 8)
    decoded = ours.decode((z - shift) * scale).sample
    assert_close(decoded, own.decode(z).sample, rtol=1e-5, atol=1e-5)

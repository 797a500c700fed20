"""Kind `vae`: the autoencoder between images and latents, trained here or given as a folder."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from w2s.data.csv_files import write_csv
from w2s.data.images import Images
from w2s.device import pick
from w2s.errors import UserError
from w2s.job import Job
from w2s.models.vae import decode, encode, read_vae, to_tensor

if TYPE_CHECKING:  # importing diffusers takes ten seconds
    from diffusers import AutoencoderKL

WARMUP = 20  # steps
VALIDATION = 256  # images at most, and an eighth of the data at most


def build(job: Job) -> dict:
    """Write the folder vae/ and, if it was trained here, log.csv.

    Spec: kind "trained" (see `train`), or kind "diffusers" with the folder as job.local["path"].
    """
    torch.manual_seed(job.spec.get("seed", 0))
    if job.spec["kind"] == "diffusers":
        vae, facts = read_vae(Path(job.local["path"])), {}
    else:
        vae, facts = train(job)
    vae.register_to_config(_name_or_path="")  # where it lay on this machine is nobody's business
    vae.save_pretrained(job.out / "vae")
    return facts


def train(job: Job) -> tuple[AutoencoderKL, dict]:
    """Train on the indexed images but for a held-out part; returns it and {"val_psnr": dB}.

    Loss: L1 + mse_weight MSE + kl_weight KL, each a mean over elements, images in [-1, 1].
    Spec: resolution, block_channels (each level after the first halves the size),
    latent_channels, layers (per block), norm_groups, steps, batch, lr, mse_weight, kl_weight, seed.
    """
    from diffusers import AutoencoderKL

    spec, device = job.spec, pick(job.execution.device)
    levels = len(spec["block_channels"])
    vae = AutoencoderKL(
        block_out_channels=tuple(spec["block_channels"]),
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        layers_per_block=spec["layers"],
        latent_channels=spec["latent_channels"],
        norm_num_groups=spec["norm_groups"],
        sample_size=spec["resolution"],
        scaling_factor=1.0,
        mid_block_add_attention=False,
    ).to(device)
    images = Images.of(job, spec["resolution"])
    rng = np.random.default_rng(spec["seed"])
    rows = rng.permutation(len(images))
    held_out = max(1, min(VALIDATION, len(rows) // 8))
    validation, rows = rows[:held_out], rows[held_out:]
    noise = torch.Generator().manual_seed(spec["seed"])
    optimiser = torch.optim.AdamW(vae.parameters(), lr=spec["lr"], betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: _warm_cosine(step, spec["steps"])
    )
    log = []
    for step in job.progress(range(spec["steps"]), spec["steps"], "training the VAE, step"):
        x = to_tensor(images.read(rng.choice(rows, spec["batch"]))).to(device)
        l1, mse, kl = _losses(vae, x, noise)
        loss = l1 + spec["mse_weight"] * mse + spec["kl_weight"] * kl
        if not loss.isfinite():
            raise UserError(f"the VAE's loss is not finite at step {step}: lower the VAE's lr")
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        log.append([step + 1, *(f"{value.item():.6g}" for value in (l1, mse, kl))])
    write_csv(job.out / "log.csv", ["step", "l1", "mse", "kl"], log)
    vae.eval().requires_grad_(False)
    return vae, {"val_psnr": _psnr(vae, images.read(validation), spec["batch"])}


def _warm_cosine(step: int, steps: int) -> float:
    """Factor of the learning rate: a linear rise, times a cosine from 1 to 0."""
    return min((step + 1) / WARMUP, 1.0) * (1 + math.cos(math.pi * step / steps)) / 2


def _losses(vae: AutoencoderKL, x: torch.Tensor, noise: torch.Generator) -> tuple:
    """L1, MSE and KL to the unit Gaussian for a batch in [-1, 1], decoded from a sampled latent."""
    posterior = vae.encode(x).latent_dist
    error = vae.decode(posterior.sample(noise)).sample - x
    kl = 0.5 * (posterior.mean**2 + posterior.var - 1 - posterior.logvar).mean()
    return error.abs().mean(), (error**2).mean(), kl


def _psnr(vae: AutoencoderKL, images: np.ndarray, batch: int) -> float:
    """Peak signal-to-noise ratio over all pixels, decoding posterior means, in dB."""
    mean, _ = encode(vae, images, batch)
    error = decode(vae, mean, batch).astype(float) - images
    return 10 * math.log10(255**2 / np.mean(error**2))

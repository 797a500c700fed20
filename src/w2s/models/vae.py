"""Kind `vae`: the autoencoder between images and latents, trained here or given as a folder.

Every autoencoder is diffusers' AutoencoderKL and is stored in diffusers' own format.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from w2s.data.images import Images
from w2s.data.tables import write_table
from w2s.device import pick
from w2s.errors import UserError
from w2s.job import Job

if TYPE_CHECKING:  # importing diffusers takes ten seconds
    from diffusers import AutoencoderKL

WARMUP = 20  # steps
MSE_WEIGHT = 2.0  # beside the L1 error
VALIDATION = 256  # images at most, and an eighth of the data at most


def build(job: Job) -> dict:
    """Write the folder vae/ and, if it was trained here, log.csv.

    Spec: kind "trained" (see `train`), or kind "diffusers" with the folder as job.local["path"].
    """
    torch.manual_seed(job.spec.get("seed", 0))
    if job.spec["kind"] == "diffusers":
        vae, facts = _load(Path(job.local["path"])), {}
    else:
        vae, facts = train(job)
    vae.register_to_config(_name_or_path="")  # where it lay on this machine is nobody's business
    vae.save_pretrained(job.out / "vae")
    return facts


def load_vae(node: Path) -> AutoencoderKL:
    """The autoencoder of a `vae` node, on the CPU, for inference."""
    return _load(node / "vae")


def _load(folder: Path) -> AutoencoderKL:
    """Load a diffusers folder.  Raises UserError unless it is a whole AutoencoderKL."""
    from diffusers import AutoencoderKL

    if not (folder / "config.json").is_file():
        raise UserError(
            f"{folder} has no config.json: set the path of the vae to a folder in diffusers' "
            "format (of a whole pipeline, that is its subfolder vae)"
        )
    name = AutoencoderKL.load_config(folder)["_class_name"]
    if name != "AutoencoderKL":
        raise UserError(f"{folder} holds a {name}: the vae must be an AutoencoderKL")
    try:
        vae, report = AutoencoderKL.from_pretrained(
            folder, local_files_only=True, output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"the vae in {folder} cannot be loaded: {error}") from error
    if report["missing_keys"]:
        raise UserError(
            f"the vae in {folder} lacks weights ({', '.join(sorted(report['missing_keys']))}): "
            "download it again"
        )
    return vae.eval().requires_grad_(False)


def published_scaling(vae: AutoencoderKL) -> tuple[float, float] | None:
    """(shift, scale) that the config gives, normalised = (z - shift) * scale; None if it has none.

    A scale of 1 says that nobody chose one, as in the autoencoders trained here.
    """
    scale = vae.config.scaling_factor
    return None if scale in (None, 1.0) else (vae.config.shift_factor or 0.0, scale)


def train(job: Job) -> tuple[AutoencoderKL, dict]:
    """Train on the indexed images but for a held-out part; returns it and {"val_psnr": dB}.

    Loss: L1 + 2 MSE + kl_weight KL, each a mean over elements, images in [-1, 1].
    Spec: resolution, block_channels (each level after the first halves the size),
    latent_channels, layers (per block), norm_groups, steps, batch, lr, kl_weight, seed.
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
        x = _to_tensor(images.read(rng.choice(rows, spec["batch"]))).to(device)
        l1, mse, kl = _losses(vae, x, noise)
        loss = l1 + MSE_WEIGHT * mse + spec["kl_weight"] * kl
        if not loss.isfinite():
            raise UserError(f"the VAE's loss is not finite at step {step}: lower the VAE's lr")
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        log.append([step + 1, *(f"{value.item():.6g}" for value in (l1, mse, kl))])
    write_table(job.out / "log.csv", ["step", "l1", "mse", "kl"], log)
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


def _to_tensor(images: np.ndarray) -> torch.Tensor:
    """uint8 (n, H, W, 3) to float32 (n, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1


def _in_batches(function, items: torch.Tensor, batch: int) -> list[torch.Tensor]:
    """Apply to every `batch` items, the last group filled up by repeating its last item.

    Kernels may round differently at other batch sizes; at one size an item's result does not
    depend on how many others there are.
    """
    out = []
    for group in items.split(batch):
        filled = torch.cat([group, group[-1:].expand(batch - len(group), -1, -1, -1)])
        out.append(function(filled)[: len(group)].cpu())
    return out


@torch.inference_mode()
def encode(vae: AutoencoderKL, images: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean and standard deviation of uint8 images (n, H, W, 3): float32 (n, C, h, w)."""

    def moments(x: torch.Tensor) -> torch.Tensor:
        posterior = vae.encode(x.to(vae.device)).latent_dist
        return torch.cat([posterior.mean, posterior.std], dim=1)

    both = torch.cat(_in_batches(moments, _to_tensor(images), batch))
    mean, std = both.chunk(2, dim=1)
    return mean.numpy(), std.numpy()


@torch.inference_mode()
def decode(vae: AutoencoderKL, z: np.ndarray, batch: int) -> np.ndarray:
    """Images of latents (n, C, h, w), in the VAE's own scale: uint8 (n, H, W, 3)."""

    def pixels(z: torch.Tensor) -> torch.Tensor:
        x = vae.decode(z.to(vae.device)).sample
        return ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)

    images = torch.cat(_in_batches(pixels, torch.as_tensor(z), batch))
    return images.permute(0, 2, 3, 1).contiguous().numpy()

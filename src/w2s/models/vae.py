"""The autoencoder between images and latents: loading, encoding, decoding.

Every autoencoder is diffusers' AutoencoderKL and is stored in diffusers' own format.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from w2s.errors import UserError

if TYPE_CHECKING:  # importing diffusers takes ten seconds
    from diffusers import AutoencoderKL


def load_vae(node: Path) -> AutoencoderKL:
    """The autoencoder of a `vae` node, on the CPU, for inference."""
    return read_vae(node / "vae")


def read_vae(folder: Path) -> AutoencoderKL:
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


def to_tensor(images: np.ndarray) -> torch.Tensor:
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

    both = torch.cat(_in_batches(moments, to_tensor(images), batch))
    mean, std = both.chunk(2, dim=1)
    return mean.numpy(), std.numpy()


@torch.inference_mode()
def decode(vae: AutoencoderKL, z: np.ndarray, batch: int) -> np.ndarray:
    """Images of latents (n, C, h, w), in the VAE's own scale: uint8 (n, H, W, 3)."""

    def pixels(z: torch.Tensor) -> torch.Tensor:
        x = vae.decode(z.to(vae.device, vae.dtype)).sample.float()
        return ((x + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)

    images = torch.cat(_in_batches(pixels, torch.as_tensor(z), batch))
    return images.permute(0, 2, 3, 1).contiguous().numpy()

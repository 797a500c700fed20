"""Images of a pipeline's latents, by its own VAE and that VAE's own constants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from w2s.models import vae as autoencoder

if TYPE_CHECKING:  # importing diffusers takes ten seconds
    from diffusers import AutoencoderKL


def decode(vae: AutoencoderKL, latents: Tensor, slice: int = 1) -> np.ndarray:
    """The images uint8 (n, H, W, 3) of latents (n, C, h, w) as a transformer leaves them.

    slice: images decoded at once; the last slice is filled up, so that no image depends on how
        many others there are.
    """
    scale, shift = vae.config.scaling_factor, vae.config.shift_factor or 0.0
    return autoencoder.decode(vae, latents.float() / scale + shift, slice)

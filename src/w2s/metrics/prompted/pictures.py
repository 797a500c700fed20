"""How the scores' networks want their pictures: sizes and normalisation, stated exactly."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)  # of OpenAI's CLIP, and of all that follow it
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def cropped(images: np.ndarray, side: int) -> Tensor:
    """The middle square of each image, its shorter side resized to `side` by PIL's bicubic filter.

    images: uint8 (N, H, W, 3).  Returns normalised float32 (N, 3, side, side), as CLIP's own
    preprocessing does; PIL's filter always smooths what it shrinks.
    """
    made = np.stack([np.asarray(_middle(Image.fromarray(image), side)) for image in images])
    return normalised(torch.from_numpy(made).permute(0, 3, 1, 2).float() / 255)


def _middle(image: Image.Image, side: int) -> Image.Image:
    shorter = min(image.size)
    size = tuple(side if n == shorter else int(side * n / shorter) for n in image.size)
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = (round((n - side) / 2) for n in size)
    return image.crop((left, top, left + side, top + side))


def padded(images: np.ndarray, side: int, antialias: bool) -> Tensor:
    """Each image whole, its longer side resized to `side`, black around it.

    images: uint8 (N, H, W, 3).  Returns normalised float32 (N, 3, side, side), as HPSv2's own
    preprocessing does (tgxs002/HPSv2): bicubic on tensors in [0, 1], which may overshoot.
    antialias: whether what shrinks is smoothed.  That depended on the version of torchvision, false
    before 0.17 and true since, and it moves scores.
    """
    x = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255
    height, width = x.shape[2:]
    scale = side / max(height, width)
    if scale != 1:
        size = round(height * scale), round(width * scale)
        x = F.interpolate(x, size, mode="bicubic", align_corners=False, antialias=antialias)
        tall, wide = side - size[0], side - size[1]
        x = F.pad(x, (wide // 2, wide - wide // 2, tall // 2, tall - tall // 2))
    return normalised(x)


def normalised(x: Tensor) -> Tensor:
    """From [0, 1] to CLIP's mean and deviation; x (N, 3, H, W)."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    return (x - mean) / std

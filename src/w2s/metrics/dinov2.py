"""DINOv2's ViT as a feature network (arXiv 2304.07193), from its authors' weights file.

Fréchet distances in its features are those of Stein et al. (arXiv 2306.04675).  What their released
code does is done here: PIL's bicubic filter brings each whole image to 224 x 224, whatever its
shape; the position embeddings of 37 x 37 patches are brought to 16 x 16 as DINOv2's own code does;
the feature is the class token after the last norm.  Importing this module imports timm (seconds).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from w2s.errors import UserError
from w2s.metrics.prompted.weights import put, read_weights

SIDE, PATCH, HEAD = 224, 14, 64  # pixels of an image and of a patch; width of a head of attention
TRAINED = 37  # patches along a side of the images that it was trained on
OFFSET = 0.1  # DINOv2 adds so much to the patches along a side before it divides by those trained
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet
UNUSED = "mask_token"  # of its training


def read(path: Path, width: int, depth: int) -> dict[str, Tensor]:
    """The weights of a published file, under its own names.

    Raises UserError for a file that does not hold a DINOv2 of this width and depth.
    """
    weights = read_weights(path)
    weights.pop(UNUSED, None)
    _network(weights, width, depth, path)
    return weights


class Dinov2(nn.Module):
    """The network of a node of kind features: "features" (N, width) of uint8 images."""

    def __init__(self, folder: Path):
        super().__init__()
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        path = folder / "model.safetensors"
        self.net = _network(load_file(path), config["width"], config["depth"], path)
        for name, values in {"mean": MEAN, "std": STD}.items():
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """images: uint8 (N, 3, 224, 224)."""
        return (self.net((images / 255 - self.mean) / self.std),)


def squeezed(images: np.ndarray) -> np.ndarray:
    """Images uint8 (N, H, W, 3) as DINOv2 reads them: whole, 224 x 224, still uint8."""
    size, bicubic = (SIDE, SIDE), Image.Resampling.BICUBIC
    return np.stack([np.asarray(Image.fromarray(image).resize(size, bicubic)) for image in images])


def _network(weights: dict[str, Tensor], width: int, depth: int, path: Path) -> nn.Module:
    """timm's network, whose names are those of the published file, with these weights."""
    what = f"a DINOv2 of width {width} with {depth} blocks"
    places = weights.get("pos_embed")
    if places is not None:
        trained = (1, 1 + TRAINED**2, width)
        if places.shape != trained:
            sizes = f"{tuple(places.shape)} and not {trained}"
            raise UserError(f"{path} does not hold {what}: pos_embed is {sizes}")
        weights = weights | {"pos_embed": _fewer(places)}
    with torch.device("meta"):
        network = VisionTransformer(
            img_size=SIDE,
            patch_size=PATCH,
            embed_dim=width,
            depth=depth,
            num_heads=width // HEAD,
            init_values=1.0,
            num_classes=0,
        )
    return put(weights, network, path, what)


def _fewer(places: Tensor) -> Tensor:
    """Position embeddings (1, 1 + 37 * 37, width) for 16 x 16 patches, without antialiasing.

    The scale that places are read at is 16.1 / 37, and not 16 / 37.
    """
    first, rest = places.float().split([1, TRAINED**2], 1)
    grid = rest.unflatten(1, (TRAINED, TRAINED)).permute(0, 3, 1, 2)
    scale = (SIDE // PATCH + OFFSET) / TRAINED
    grid = F.interpolate(grid, scale_factor=(scale, scale), mode="bicubic")
    return torch.cat([first, grid.permute(0, 2, 3, 1).flatten(1, 2)], 1)

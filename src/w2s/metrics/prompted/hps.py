"""HPSv2.1, how much people like an image for its prompt (arXiv 2306.09341; tgxs002/HPSv2)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import open_clip
import torch
from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer

from w2s.errors import UserError
from w2s.metrics.prompted.pictures import padded
from w2s.metrics.prompted.weights import put, read_weights

ARCHITECTURE = "ViT-H-14"  # of HPS_v2.1_compressed.pt


class HPS:
    """100 times the cosine between OpenCLIP's features of image and prompt, tuned to people.

    There is no logit scale in it.  Computed in float32; the released script casts to half.
    """

    def __init__(
        self,
        path: Path,
        architecture: str = ARCHITECTURE,
        antialias: bool = True,
        device: str | torch.device = "cpu",
    ):
        """path: the published weights.  architecture: a name of open_clip's, or a JSON file of its
        form.  Raises UserError where they do not fit each other.
        """
        config = _config(architecture)
        with torch.device("meta"):
            network = CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])
        self.network = put(read_weights(path), network, path, f"an OpenCLIP {architecture}")
        length = config["text_cfg"]["context_length"]
        self.network.attn_mask = _causal(length)
        self.network.to(device)
        self.tokenizer = SimpleTokenizer(context_length=length)
        self.side, self.antialias = config["vision_cfg"]["image_size"], antialias
        self.device = device

    @torch.no_grad()
    def __call__(self, images: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """Scores float32 (N,) of images uint8 (N, H, W, 3) for their prompts."""
        pictures = padded(images, self.side, self.antialias).to(self.device)
        tokens = self.tokenizer(list(texts)).to(self.device)
        seen = self.network.encode_image(pictures, normalize=True)
        read = self.network.encode_text(tokens, normalize=True)
        return (100 * (seen * read).sum(1)).cpu().numpy()


def _config(architecture: str) -> dict:
    """An architecture in open_clip's form, by name or from a file."""
    if architecture.endswith(".json"):
        path = Path(architecture)
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read as an architecture: {error}") from None
    config = open_clip.get_model_config(architecture)
    if config is None:
        raise UserError(f"open_clip knows no architecture named '{architecture}'")
    return config


def _causal(length: int) -> torch.Tensor:
    return torch.full((length, length), -torch.inf).triu(1)

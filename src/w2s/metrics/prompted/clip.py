"""CLIP's features of images and prompts, from a folder in transformers' format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoTokenizer, CLIPModel

from w2s.errors import UserError
from w2s.metrics.prompted.pictures import cropped


class Clip:
    """A CLIPModel with its tokenizer, in float32."""

    def __init__(self, folder: Path, device: str | torch.device = "cpu"):
        """Raises UserError unless the folder holds a whole CLIPModel and its tokenizer."""
        try:
            self.network, report = CLIPModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
            self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            first = str(error).splitlines()[0]
            raise UserError(f"{folder} holds no CLIP model to load: {first}") from None
        if report["missing_keys"]:
            lacking = ", ".join(sorted(report["missing_keys"])[:3])
            raise UserError(f"the CLIP model in {folder} lacks weights ({lacking}, ...)")
        self.network = self.network.float().to(device).eval().requires_grad_(False)
        self.side, self.device = self.network.config.vision_config.image_size, device

    @torch.no_grad()
    def images(self, images: np.ndarray) -> Tensor:
        """Unit features (N, D) of images uint8 (N, H, W, 3)."""
        pixels = cropped(images, self.side).to(self.device)
        pooled = self.network.vision_model(pixel_values=pixels).pooler_output
        return _unit(self.network.visual_projection(pooled))

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> Tensor:
        """Unit features (N, D) of prompts, cut where the tower cannot read on."""
        length = self.network.config.text_config.max_position_embeddings
        tokens = self.tokenizer(
            list(texts),
            padding="max_length",
            truncation=True,
            max_length=length,
            return_tensors="pt",
        ).to(self.device)
        pooled = self.network.text_model(
            input_ids=tokens.input_ids, attention_mask=tokens.attention_mask
        ).pooler_output
        return _unit(self.network.text_projection(pooled))


class ClipScore:
    """CLIP score (arXiv 2104.08718): 100 max(0, cosine) of image and prompt.

    The paper's own factor is 2.5; 100 is what the diffusion literature reports.
    """

    def __init__(self, folder: Path, device: str | torch.device = "cpu"):
        self.clip = Clip(folder, device)

    def __call__(self, images: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """Scores float32 (N,) of images uint8 (N, H, W, 3) for their prompts."""
        cosine = (self.clip.images(images) * self.clip.texts(texts)).sum(1)
        return (100 * cosine.clamp(min=0)).cpu().numpy()


def _unit(features: Tensor) -> Tensor:
    return features / features.norm(dim=-1, keepdim=True)

"""LAION's aesthetic score, version 2 (christophschuhmann/improved-aesthetic-predictor)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from w2s.metrics.prompted.clip import Clip
from w2s.metrics.prompted.weights import put, read_weights


class Predictor(nn.Module):
    """Five linear layers with nothing between them but dropout, which scoring leaves out.

    The same stack judges for ImageReward (arXiv 2304.05977).
    """

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(  # numbered as published
            nn.Linear(width, 1024),
            nn.Dropout(0.2),
            nn.Linear(1024, 128),
            nn.Dropout(0.2),
            nn.Linear(128, 64),
            nn.Dropout(0.1),
            nn.Linear(64, 16),
            nn.Linear(16, 1),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Scores (N,) of features (N, width)."""
        return self.layers(features).squeeze(1)


class Aesthetic:
    """How beautiful people find an image, about 1 to 10, whatever its prompt.

    A linear head on unit features of CLIP ViT-L/14 (openai/clip-vit-large-patch14), with the
    weights sac+logos+ava1-l14-linearMSE.pth.
    """

    def __init__(self, path: Path, clip: Path, device: str | torch.device = "cpu"):
        """path: the head's weights; clip: the folder of the CLIP model.

        Raises UserError where one of them is something else, or they do not fit each other.
        """
        self.clip, weights = Clip(clip, device), read_weights(path)
        width = self.clip.network.config.projection_dim
        self.head = put(weights, Predictor(width), path, f"a head for {width} features").to(device)

    @torch.no_grad()
    def __call__(self, images: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """Scores float32 (N,) of images uint8 (N, H, W, 3)."""
        return self.head(self.clip.images(images)).cpu().numpy()

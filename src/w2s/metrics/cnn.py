"""A small convolutional network whose embedding serves as features of small images."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EMBEDDING = 64


class FeatureCNN(nn.Module):
    """Four-by-four stem of stride 2, three stages of which two halve again, average pool.

    `sizes` gives the outputs of each head.  Any resolution from 8 pixels up will do.
    """

    def __init__(self, width: int, sizes: dict[str, int]):
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(3, width, kernel=4, stride=2),
            *_convolution(width, 2 * width),
            *_convolution(2 * width, 4 * width, stride=2),
            *_convolution(4 * width, 4 * width, stride=2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.embedding = nn.Sequential(nn.Linear(4 * width, EMBEDDING), nn.SiLU())
        self.heads = nn.ModuleList(nn.Linear(EMBEDDING, size) for size in sizes.values())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Embedding (N, 64) and all heads' logits side by side, of uint8 images (N, 3, H, W)."""
        return self.read(to_unit(images))

    def read(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same of float images in [-1, 1]."""
        embedding = self.embedding(self.body(x))
        return embedding, torch.cat([head(embedding) for head in self.heads], 1)


def to_unit(images: Tensor) -> Tensor:
    """uint8 in 0..255 to float in [-1, 1]."""
    return images.float() / 127.5 - 1


def _convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(),
    ]

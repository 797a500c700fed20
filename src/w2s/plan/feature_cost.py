"""What feature networks cost, from the blocks that describe them."""

from __future__ import annotations

from w2s.params.data import Dinov2Features, InceptionFeatures, TrainedFeatures

Features = TrainedFeatures | InceptionFeatures | Dinov2Features

CONV = 24  # values per pixel and channel of a convolutional network's first level, all together
MACS = {"trained": 2e4, "inception-v3-compat": 1e5}  # multiply-accumulates per pixel, about
INCEPTION_CHANNELS = 64  # of the first level
TOKENS = 257  # of DINOv2, which reads 224 x 224 pixels whatever it is given
PASSED = 12  # values per token and unit of width that a block of it holds at once, about


def outputs(features: Features) -> int:
    """Numbers that it gives of an image."""
    if features.kind == "dinov2":
        return features.width
    return {"trained": 64, "inception-v3-compat": 2048 + 1008 + 2023}[features.kind]


def weights(features: Features) -> int:
    """Weights of a published transformer; those of convolutional networks are next to nothing."""
    return 12 * features.width**2 * features.depth if features.kind == "dinov2" else 0


def macs(features: Features, pixels: int) -> float:
    """Multiply-accumulates for an image of so many pixels, about."""
    if features.kind == "dinov2":
        return TOKENS * (weights(features) + 2 * TOKENS * features.width * features.depth)
    return MACS[features.kind] * pixels


def held(features: Features, pixels: int) -> float:
    """Values that it holds of an image of so many pixels."""
    if features.kind == "dinov2":
        return PASSED * TOKENS * features.width
    channels = features.width if features.kind == "trained" else INCEPTION_CHANNELS
    return CONV * channels * pixels

"""Scores of an image's colours, which strong guidance drives up; they need no weights.

Both are of the pixels as stored (sRGB, gamma-encoded), divided by 255.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

LUMA = (0.299, 0.587, 0.114)  # of R, G and B: ITU-R BT.601


def saturation(files: dict, device: str) -> Callable:
    """Mean saturation of the HSV model, in [0, 1]: what arXiv 2509.22007 reports of its images."""
    return hsv_saturation


def contrast(files: dict, device: str) -> Callable:
    """RMS contrast, in [0, 0.5]: the standard deviation of luma (Peli, JOSA A 7, 1990, eq. 2)."""
    return rms_contrast


def hsv_saturation(images: np.ndarray, prompts: Sequence[str]) -> np.ndarray:
    """Mean over pixels of ``(max - min) / max`` of R, G and B, and 0 where the maximum is 0.

    images: uint8 (n, H, W, 3); returns float64 (n,).
    """
    most, least = images.max(-1).astype(np.float64), images.min(-1)
    return ((most - least) / np.maximum(most, 1)).mean((1, 2))


def rms_contrast(images: np.ndarray, prompts: Sequence[str]) -> np.ndarray:
    """Standard deviation over pixels, divided by their number, of luma in [0, 1].

    images: uint8 (n, H, W, 3); returns float64 (n,).
    """
    return (images @ np.array(LUMA) / 255).std((1, 2))

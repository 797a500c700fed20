"""What scorers know of real images: a reference node, and the classes that the network sees."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from w2s.metrics.heads import Heads


@dataclass(frozen=True)
class Real:
    """Features and statistics of real images; `heads` where the network knows the classes."""

    features: np.ndarray  # float32 (n, d)
    stats: dict[str, np.ndarray]  # mu, sigma; mu_s, sigma_s with Inception
    radii: np.ndarray  # float32 (n,): of the balls that make up the real manifold
    heads: Heads | None = None

    @classmethod
    def of(cls, folder: Path, heads: Heads | None = None) -> Real:
        """What a node of kind reference holds."""
        with np.load(folder / "stats.npz") as stats:
            return cls(
                np.load(folder / "features.npy"), dict(stats), np.load(folder / "radii.npy"), heads
            )

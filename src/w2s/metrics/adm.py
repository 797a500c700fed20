"""The statistics file of ADM's evaluation, which published FID and sFID values are against.

Dhariwal & Nichol, arXiv 2105.05233, released as VIRTUAL_imagenet256_labeled.npz: mu, sigma, mu_s
and sigma_s of the whole training set, and arr_0, the 10,000 images that precision and recall use.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from w2s.errors import UserError

POOL, SPATIAL = 2048, 7 * 17 * 17
SHAPES = {
    "mu": (POOL,),
    "sigma": (POOL, POOL),
    "mu_s": (SPATIAL,),
    "sigma_s": (SPATIAL, SPATIAL),
}
ADVICE = "download VIRTUAL_imagenet256_labeled.npz, or correct reference.path"


class ADM:
    """The opened file; `count` images of uint8 (H, W, 3)."""

    def __init__(self, path: str | Path):
        """Raises UserError unless the file holds every array of the format."""
        self.path = path
        try:
            with np.load(path) as file:
                found = {name: file[name] for name in (*SHAPES, "arr_0") if name in file}
        except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(
                f"{path} cannot be read as ADM's statistics ({error}): {ADVICE}"
            ) from error
        for name, shape in SHAPES.items():
            self._check(name in found, f"has no {name}")
            values = found[name]
            self._check(
                values.shape == shape and values.dtype.kind == "f",
                f"holds {name} of {values.dtype} {values.shape}, not of floats {shape}",
            )
            self._check(np.isfinite(values).all(), f"holds numbers in {name} that are not finite")
        self._check("arr_0" in found, "has no images (arr_0), which precision and recall need")
        self._images = found.pop("arr_0")
        kind, shape = self._images.dtype, self._images.shape
        self._check(
            kind == np.uint8 and len(shape) == 4 and shape[3] == 3,
            f"holds images (arr_0) of {kind} {shape}, not uint8 (n, height, width, 3)",
        )
        self._statistics, self.count = found, len(self._images)

    def _check(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise UserError(f"{self.path} {otherwise}: {ADVICE}")

    def images(self, rows: slice) -> np.ndarray:
        """Some of the images, uint8 (n, H, W, 3)."""
        return self._images[rows]

    def statistics(self) -> dict[str, np.ndarray]:
        """mu and mu_s as float32, sigma and sigma_s as float64: as torch-fidelity has its own."""
        return {
            name: values.astype(np.float32 if values.ndim == 1 else np.float64)
            for name, values in self._statistics.items()
        }

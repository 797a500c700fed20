"""The study's real images, as an index node lists them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np

from w2s.data.images import read_image
from w2s.job import Job


class RealImages:
    """Images of an index at one resolution, read when asked for.

    They lie in the `images` parent (the toy world) or in the user's folder, job.local["path"].
    """

    def __init__(self, job: Job, resolution: int):
        index = job.parent("index")
        toy = "images" in job.parents
        self.root = job.parent("images") / "images" if toy else Path(job.local["path"])
        self.resolution = resolution
        with (index / "index.csv").open(newline="", encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        self.files: list[str] = [row["file"] for row in rows]
        self.labels = np.array([int(row["label"]) for row in rows], np.int64)
        self.classes: list[str] = json.loads((index / "classes.json").read_text(encoding="utf-8"))

    def __len__(self) -> int:
        return len(self.files)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Cropped and resized uint8 images (n, resolution, resolution, 3) of rows of the index."""
        return np.stack([read_image(self.root / self.files[i], self.resolution) for i in rows])

"""Reading images: one file of any size and mode, and the rows of an index as arrays."""

from __future__ import annotations

import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from w2s.data.csv_files import read_csv
from w2s.data.formats import FORMATS
from w2s.data.sources import Source, image_source
from w2s.errors import UserError
from w2s.job import Job


class BadImage(Exception):
    """The bytes are not a whole image; the text says why, to follow a file's name."""


def decode_image(data: bytes) -> Image.Image:
    """Decode a PNG, JPEG or WebP file completely, to an 8-bit RGB image.

    Transparent pixels are laid over white, 16-bit grey keeps its upper byte (as 16-bit colour
    does in Pillow), and of an animation the first frame is taken.  Raises BadImage.
    """
    if not data:
        raise BadImage("is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.UnidentifiedImageError:
        raise BadImage("is not a PNG, JPEG or WebP image") from None
    except Exception as error:
        raise BadImage(f"is damaged: {error}") from error
    try:
        if image.format == "PNG":  # decoding alone skips checksums and a missing end
            Image.open(io.BytesIO(data), formats=FORMATS).verify()
        return _to_rgb(image)
    except Exception as error:  # a decoder may raise anything on damaged bytes
        raise BadImage(f"is damaged: {error}") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def centre_crop(image: Image.Image, size: int) -> np.ndarray:
    """The central square of an RGB image, uint8 (size, size, 3), as ADM prepares ImageNet.

    Halves with a box filter while the shorter side is at least twice `size`, brings that side to
    `size` with a bicubic filter, then crops.  Dhariwal & Nichol, arXiv 2105.05233, released code.
    """
    while min(image.size) >= 2 * size:
        image = image.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
    scale = size / min(image.size)
    shape = round(image.width * scale), round(image.height * scale)
    pixels = np.asarray(image.resize(shape, Image.Resampling.BICUBIC))
    top, left = (pixels.shape[0] - size) // 2, (pixels.shape[1] - size) // 2
    return pixels[top : top + size, left : left + size]


class Images:
    """The images of an index, read from their files as they are asked for."""

    def __init__(self, index: Path, source: Source, resolution: int, threads: int = 1):
        """`index` is the directory of an index node, `source` what it was made of."""
        rows = read_csv(index / "index.csv")
        self.source = source
        self.resolution = resolution
        self.files = [row["file"] for row in rows]  # as the source names them
        self.labels = np.array([int(row["label"]) for row in rows], np.int64)
        self.classes: list[str] = json.loads((index / "classes.json").read_text())
        self._sha256 = [row["sha256"] for row in rows]
        self._pool = ThreadPoolExecutor(threads)

    @classmethod
    def of(cls, job: Job, resolution: int) -> Images:
        """The images that a job's parents, or its place on this machine, provide."""
        return cls(job.parent("index"), image_source(job), resolution, job.execution.threads)

    def __len__(self) -> int:
        return len(self.files)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """The images in these rows of the index, uint8 (n, resolution, resolution, 3).

        Raises UserError if a file is gone or is no longer the one that was indexed.
        """
        out = np.empty((len(rows), self.resolution, self.resolution, 3), np.uint8)
        for place, image in enumerate(self._pool.map(self._read, rows)):
            out[place] = image
        return out

    def _read(self, row: int) -> np.ndarray:
        file = self.files[row]
        try:
            data = self.source.read(file)
        except OSError as error:
            raise UserError(
                f"{self.source}/{file} was indexed but cannot be read ({error.strerror}): "
                "restore it, or index the folder again"
            ) from error
        if hashlib.sha256(data).hexdigest() != self._sha256[row]:
            raise UserError(
                f"{self.source}/{file} has changed since it was indexed: restore it, or index the "
                "folder again"
            )
        return centre_crop(decode_image(data), self.resolution)

"""Kind `images`: the miniature world as PNG files in ImageNet's folder layout, in one pack."""

import io

import numpy as np
from PIL import Image

from w2s.data.attributes import ATTRIBUTES
from w2s.data.csv_files import csv_text
from w2s.data.sources import PACK, Packing
from w2s.job import Job
from w2s.world.scenes import attributes, draw, random_scenes

CHUNK = 512  # pictures drawn at a time, to bound memory
COLUMNS = ["file", "class", "caption", "shape", "colour", "texture", "background", "size"]


def build(job: Job) -> None:
    """Write images.zip with <class>/<nnnnnn>.png and, beside the class folders, attributes.csv.

    Spec: count (of pictures), resolution (pixels), jitter (0 to 1), seed.
    """
    spec = job.spec
    scenes = random_scenes(spec["count"], spec["jitter"], spec["seed"])
    rows = []
    with Packing(job.out / PACK) as pack:
        starts = range(0, len(scenes), CHUNK)
        for start in job.progress(starts, len(starts), "drawing"):
            chunk = scenes[start : start + CHUNK]
            pictures = draw(chunk, spec["resolution"])
            for number, (scene, picture) in enumerate(zip(chunk, pictures, strict=True), start):
                row = attributes(scene)
                row["file"] = f"{row['class']}/{number:06d}.png"
                pack.add(row["file"], _png(picture))
                rows.append([row[column] for column in COLUMNS])
        pack.add(ATTRIBUTES, csv_text(COLUMNS, rows).encode())


def _png(picture: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()

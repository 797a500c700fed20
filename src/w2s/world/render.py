"""Kind `images`: the miniature world as PNG files in ImageNet's folder layout."""

from PIL import Image

from w2s.data.csv_files import write_csv
from w2s.job import Job
from w2s.world.scenes import CLASSES, attributes, draw, random_scenes

CHUNK = 512  # pictures drawn at a time, to bound memory
COLUMNS = ["file", "class", "caption", "shape", "colour", "texture", "background", "size"]


def build(job: Job) -> None:
    """Write images/<class>/<nnnnnn>.png and, beside the class folders, images/attributes.csv.

    Spec: count (of pictures), resolution (pixels), jitter (0 to 1), seed.
    """
    spec, root = job.spec, job.out / "images"
    for name in CLASSES:
        (root / name).mkdir(parents=True)
    scenes = random_scenes(spec["count"], spec["jitter"], spec["seed"])
    rows = []
    for start in job.progress(range(0, len(scenes), CHUNK), -(-len(scenes) // CHUNK), "drawing"):
        chunk = scenes[start : start + CHUNK]
        pictures = draw(chunk, spec["resolution"])
        for number, (scene, picture) in enumerate(zip(chunk, pictures, strict=True), start):
            row = attributes(scene)
            row["file"] = f"{row['class']}/{number:06d}.png"
            Image.fromarray(picture).save(root / row["file"])
            rows.append([row[column] for column in COLUMNS])
    write_csv(root / "attributes.csv", COLUMNS, rows)

"""An index in two: images held out of everything that learns, and the rest."""

from __future__ import annotations

import json
import shutil

import numpy as np

from w2s.data.csv_files import read_csv, write_csv
from w2s.errors import UserError
from w2s.job import Job


def split(job: Job) -> dict:
    """Write a part of the index in the parent `whole`, with its classes and labels as they are.

    Spec: part, "held out" or "rest"; held_out, how many images are held out, by a fixed random
    choice.  Raises UserError where that leaves a class without an image to learn from.
    """
    whole, count = job.parent("whole"), job.spec["held_out"]
    rows = read_csv(whole / "index.csv")
    held_out = np.zeros(len(rows), bool)
    held_out[np.random.default_rng(0).permutation(len(rows))[:count]] = True
    classes = json.loads((whole / "classes.json").read_text())
    left = {int(row["label"]) for row, out in zip(rows, held_out, strict=True) if not out}
    if len(left) < len(classes):
        empty = ", ".join(name for label, name in enumerate(classes) if label not in left)
        raise UserError(
            f"{count} of {len(rows)} images are held out, which leaves none of {empty} to learn "
            "from: lower data.held_out or add images"
        )
    chosen = held_out if job.spec["part"] == "held out" else ~held_out
    kept = [row for row, taken in zip(rows, chosen, strict=True) if taken]
    write_csv(job.out / "index.csv", list(rows[0]), [row.values() for row in kept])
    for name in ("classes.json", "skipped.csv", "attributes.csv"):
        if (whole / name).is_file():
            shutil.copyfile(whole / name, job.out / name)
    return {"images": len(kept), "classes": len(classes)}

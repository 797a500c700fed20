"""Kind `score`: one score of a decoded sample set, image by image and prompt by prompt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from w2s.conditions.prompt_sets import FILE
from w2s.data.csv_files import write_csv
from w2s.errors import UserError
from w2s.files import write_json
from w2s.job import Job
from w2s.metrics.score_registry import SCORES

BATCH = 16  # images scored at once: a scorer's values are the same in any batch, to rounding


def build(job: Job) -> dict:
    """Compute the score that the spec names.

    spec: score, its name; files, the fingerprints of those that it reads; settings, where it has
    any; version, of the score, where it is not 1.  job.local["files"] has the files' paths.
    Parents: decoded, without features; the networks that the score reads; and, by the file's name
    there, what a pickle became.

    Writes values.csv, a line per image (seed, row of its prompt, value), and metrics.json: `score`
    and its `definition`, settings included; `per_prompt`, the mean over all images of each prompt,
    in order of rows; `n`, images of one seed; `seeds`.  Raises UserError where a file is not there
    or is of another format.
    """
    name, decoded = job.spec["score"], job.parent("decoded")
    score = SCORES[name]
    files = {file: Path(job.local["files"][file]) for file in job.spec.get("files", {})}
    for file, path in files.items():
        if not path.exists():
            raise UserError(f"{path}, the {file} of the score {name}, is not there; put it there")
    for file in job.parents.keys() - {"decoded", *score.nodes}:
        (files[file],) = job.parent(file).glob("*.safetensors")
    settings, nodes = job.spec.get("settings", {}), {role: job.parent(role) for role in score.nodes}
    scorer = score.load()(files | nodes, job.execution.device, **settings)
    values = _values(job, scorer, decoded)
    rows, seeds = (np.load(decoded / f"{what}.npy") for what in ("labels", "seeds"))
    lines = zip(seeds.tolist(), rows.tolist(), values.tolist(), strict=True)
    write_csv(job.out / "values.csv", ["seed", "row", "value"], list(lines))
    means = per_prompt(values, rows)
    result = {
        "score": name,
        "definition": "; ".join(
            [getattr(scorer, "definition", score.definition), *_chosen(settings)]
        ),
        "seeds": np.unique(seeds).tolist(),
        "n": int((seeds == seeds[0]).sum()),
        "per_prompt": means,
        "settings": job.spec,
    }
    write_json(job.out / "metrics.json", result)
    job.log(f"{name}: {np.mean(means):.4g}")
    return {"mean": float(np.mean(means))}


def per_prompt(values: Sequence[float], rows: Sequence[int]) -> list[float]:
    """The mean value of each prompt, in order of its row: several images of it are one unit."""
    _, which, counts = np.unique(rows, return_inverse=True, return_counts=True)
    return (np.bincount(which, weights=values) / counts).tolist()


def _chosen(settings: dict) -> list[str]:
    return [f"{name}: {'yes' if on else 'no'}" for name, on in settings.items()]


def _values(job: Job, scorer, decoded: Path) -> np.ndarray:
    """The value (n,) of each image."""
    images = np.load(decoded / "images.npy", mmap_mode="r")
    rows = np.load(decoded / "labels.npy")
    texts = json.loads((decoded / FILE).read_text(encoding="utf-8"))
    parts = []
    starts = range(0, len(images), BATCH)
    for first in job.progress(starts, len(starts), "scoring batch"):
        here = slice(first, first + BATCH)
        parts.append(scorer(np.array(images[here]), [texts[row] for row in rows[here]]))
    return np.concatenate(parts)

"""Kind `converted`: weights that are published as a pickle, read once and kept as safetensors."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save_file

from w2s.files import sha256, write_json
from w2s.job import Job
from w2s.metrics.prompted.weights import read_weights


def build(job: Job) -> dict:
    """Write <name of the file>.safetensors, and source.json with the file's SHA-256.

    Spec: fingerprint of the file, which is job.local["path"].  It is read as tensors alone, so that
    no code in it is run.  Raises UserError for a file that holds no named weights.
    """
    path = Path(job.local["path"])
    weights = {name: value.clone().contiguous() for name, value in read_weights(path).items()}
    save_file(weights, job.out / f"{path.stem}.safetensors")
    source = {"file": path.name, "sha256": sha256(path), "fingerprint": job.spec["fingerprint"]}
    write_json(job.out / "source.json", source)
    return source

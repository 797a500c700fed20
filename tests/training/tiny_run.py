"""A training run small enough for tests; as a script, the run of a job.json, to be killed."""

import json
import sys
from pathlib import Path

import numpy as np

from w2s.job import Execution, Job

MODEL = {
    "input_size": 4, "patch_size": 2, "in_channels": 2, "hidden_size": 16, "depth": 3,
    "num_heads": 2, "mlp_ratio": 2.0, "num_classes": 3, "head_at": 1, "time": "noise-at-one",
}  # fmt: skip
SPEC = {
    "model": MODEL, "objective": {"name": "sgg", "scale": 0.5, "tau": 0.5}, "steps": 40,
    "start": 0, "batch": 8, "lr": 3e-3, "betas": [0.9, 0.99], "warmup": 5, "clip": 1.0,
    "weight_decay": 0.0, "label_dropout": 0.1, "conditional": True, "ema": [0.05, 0.1],
    "snapshots": [20, 40], "head_weight": 0.2, "seed": 3, "precision": "fp32",
}  # fmt: skip


def write_latents(folder: Path, count: int = 30) -> Path:
    """A latents node with three classes of well separated means."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    mean = rng.normal(size=(count, 2, 4, 4)) + labels[:, None, None, None]
    folder.mkdir()
    np.save(folder / "mean.npy", mean.astype(np.float32))
    np.save(folder / "std.npy", np.full(mean.shape, 0.1, np.float32))
    np.save(folder / "labels.npy", labels)
    np.save(folder / "rows.npy", np.arange(count))
    facts = {
        "classes": 3, "channels": 2, "size": 4, "count": mean[:, 0].size, "shift": None,
        "scale": None, "sum": mean.sum((0, 2, 3)).tolist(),
        "sum_sq": (mean**2 + 0.01).sum((0, 2, 3)).tolist(),
    }  # fmt: skip
    (folder / "latents.json").write_text(json.dumps(facts))
    return folder


def make_job(root: Path, out: str, spec: dict, parents: dict[str, Path], **execution) -> Job:
    """A train job whose scratch directory and state lie under `root`."""
    (root / out).mkdir(parents=True)
    options = {"device": "cpu", "state": root / f"state-{out}"} | execution
    listed = {role: [path] for role, path in parents.items()}
    return Job("train", "0123", spec, root / out, listed, execution=Execution(**options))


if __name__ == "__main__":
    import torch

    from w2s.training import loop

    torch.set_num_threads(1)
    loop.SAVE_SECONDS = 0.0  # every step, so that a kill often falls into a save
    given = json.loads(Path(sys.argv[1]).read_text())
    where = Execution(device="cpu", state=Path(given["state"]))
    roles = {"latents": [Path(given["latents"])]}
    loop.build(Job("train", "0123", given["spec"], Path(given["out"]), roles, execution=where))

"""Weights of a strong or weak network, from the snapshots of a training run.

No torch is imported but for networks that were trained elsewhere.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from numpy import ndarray

from w2s.errors import UserError
from w2s.files import sha256, write_json
from w2s.job import Job
from w2s.models.registry import family_of
from w2s.training.power import solve

SNAPSHOT = re.compile(r"step-(\d+)-ema-([\d.]+)\.safetensors")


def build(job: Job) -> dict | None:
    """Write model.safetensors, config.json (a network to build as is) and source.json.

    Spec: step, ema (relative length, see `w2s.training.power`) and part, "full", "head" or
    {"skip": [blocks]}; parent train.  Or part alone, of the weights in parent whole.  Or kind
    "exact" and the network's configuration.  Or what `w2s.weak.elsewhere` brings.  Raises UserError
    for a step without snapshots, and for a part that the network does not have.
    """
    if job.spec.get("kind") == "exact":
        return _exact(job)
    if "kind" in job.spec:
        from w2s.weak.elsewhere import bring

        return bring(job)
    if "whole" in job.parents:
        return _take_part(job)
    from safetensors.numpy import save_file

    train, spec = job.parent("train"), job.spec
    mix, error = coefficients(snapshots(train), spec["step"], spec["ema"])
    config = json.loads((train / "config.json").read_text())
    weights, config = family_of(config).take(combine(mix), config, spec["part"])
    job.out.mkdir(parents=True, exist_ok=True)
    save_file(weights, job.out / "model.safetensors")
    write_json(job.out / "config.json", config)
    used = {
        path.name: {
            "coefficient": coefficient,
            "sha256": sha256(path),
        }
        for path, coefficient in mix.items()
    }
    source = {key: spec[key] for key in ("step", "ema", "part")}
    write_json(
        job.out / "source.json",
        {"train": train.name, **source, "profile_error": error, "snapshots": used},
    )
    return {"profile_error": error}


def _exact(job: Job) -> None:
    """Write a network that has no weights, for everything is in its configuration, like others."""
    from safetensors.numpy import save_file

    save_file({}, job.out / "model.safetensors")
    write_json(job.out / "config.json", job.spec["network"])
    write_json(job.out / "source.json", {"exact": job.spec["network"]["errors"]})


def _take_part(job: Job) -> None:
    """Write a part of other weights, such as pretrained ones, in the same form and precision."""
    from safetensors.torch import load_file, save_file  # numpy knows no bfloat16

    whole, part = job.parent("whole"), job.spec["part"]
    config = json.loads((whole / "config.json").read_text())
    weights, config = family_of(config).take(load_file(whole / "model.safetensors"), config, part)
    job.out.mkdir(parents=True, exist_ok=True)
    save_file(weights, job.out / "model.safetensors")
    write_json(job.out / "config.json", config)
    write_json(job.out / "source.json", {"whole": whole.name, "part": part})


def snapshots(train: Path) -> dict[Path, tuple[int, float]]:
    """The step and relative EMA length of each snapshot of a training run, by path."""
    found = {}
    for path in sorted((train / "snapshots").iterdir()):
        if match := SNAPSHOT.fullmatch(path.name):
            found[path] = (int(match[1]), float(match[2]))
    return found


def coefficients(
    found: dict[Path, tuple[int, float]], step: int, ema: float
) -> tuple[dict[Path, float], float]:
    """How to mix snapshots into the average of length `ema` at `step`.

    Returns a coefficient per snapshot used, summing to one, and the relative error of the
    resulting profile: 0 for a length that was tracked.  A branch's averages reach back into its
    trunk, so profiles stay exact across the border, but only the run's own snapshots are mixed.
    """
    steps = sorted({at for at, _ in found.values()})
    if step not in steps:
        raise UserError(
            f"no snapshot was taken at step {step}: choose one of {', '.join(map(str, steps))}, "
            "or add it to the recipe's snapshots"
        )
    for path, (at, std) in found.items():
        if at == step and abs(std - ema) < 5e-4:  # file names carry three digits
            return {path: 1.0}, 0.0
    usable = {path: place for path, place in found.items() if place[0] <= step}
    at, stds = zip(*usable.values(), strict=True)
    try:
        solved, error = solve(np.array(at), np.array(stds), step, ema)
    except ValueError as problem:
        raise UserError(f"{problem}") from None
    return dict(zip(usable, solved.tolist(), strict=True)), error


def combine(mix: dict[Path, float]) -> dict[str, ndarray]:
    """The weighted sum of snapshots, summed in float64 and returned in float32."""
    from safetensors import safe_open

    total: dict[str, ndarray] = {}
    for path, coefficient in mix.items():
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118
                part = coefficient * file.get_tensor(name).astype(np.float64)
                total[name] = total[name] + part if name in total else part
    return {name: value.astype(np.float32) for name, value in total.items()}

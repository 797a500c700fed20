"""Builds a segment: samples carried from noise, or an earlier segment, to a boundary."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from w2s.device import pick
from w2s.guidance.base import State
from w2s.job import Job
from w2s.models.sit import SiT
from w2s.sampling.denoiser import Condition, Denoiser
from w2s.sampling.loop import sample
from w2s.sampling.noise import draw_labels, initial_noise, step_noise
from w2s.sampling.trajectories import Segment, decode, forwards
from w2s.sampling.tree import forwards_unshared

STATE = "state/"  # prefix of the methods' tensors in the boundary file


def build(job: Job) -> dict:
    """Draw one shard of a sample set up to step `stop`.

    Writes state.safetensors: x (n, C, h, w) float32, index (n,) numbers in the whole set, label
    (n,), seed (n,), stop () and the methods' state.  Returns forwards run per sample, and what
    they would be with every signal computed on its own.
    """
    spec = job.spec
    denoiser = _denoiser(job)
    rows = torch.arange(len(spec["seeds"]) * spec["per_seed"])[spec["shard"] :: spec["of"]]
    boundary = _start(job, rows)
    start = int(boundary.pop("stop"))
    steps = len(rows) and spec["stop"] - start
    batches = -(-len(rows) // spec["batch"])
    ticks = job.progress(range(batches * steps), batches * steps, "sampling step")
    finished = []
    for part in _batches(len(rows), spec["batch"]):
        at_start = {name: tensor[part] for name, tensor in boundary.items()}
        finished.append(_carry(job, denoiser, at_start, start, lambda step: next(ticks)))
    whole = {name: torch.cat([f[name] for f in finished])[: len(rows)] for name in finished[0]}
    save_file(
        {name: tensor.contiguous() for name, tensor in whole.items()}
        | {"stop": torch.tensor(spec["stop"])},
        job.out / "state.safetensors",
    )
    segment = Segment(start, decode(spec["steps"])[: spec["stop"]])
    separate = forwards(segment, denoiser.shapes, spec["times"], spec["solver"], forwards_unshared)
    return {"forwards": denoiser.forwards / batches, "forwards_unshared": separate}


def _denoiser(job: Job) -> Denoiser:
    weak = {
        role.removeprefix("weak:"): SiT.load(job.parent(role))
        for role in job.parents
        if role.startswith("weak:")
    }
    return Denoiser(
        SiT.load(job.parent("model")),
        weak,
        device=pick(job.execution.device),
        precision=job.execution.precision,
        compiled=job.execution.compile,
    )


def _start(job: Job, rows: Tensor) -> dict[str, Tensor]:
    """The boundary this segment begins at: an earlier segment's, or noise."""
    spec = job.spec
    if "from" in job.parents:
        return load_file(job.parent("from") / "state.safetensors")
    samples = _samples(spec, rows)
    return {
        "x": initial_noise(samples, spec["shape"]),
        "index": rows,
        "label": draw_labels(samples, spec["classes"], spec["labels"]),
        "seed": torch.tensor([seed for seed, _ in samples]),
        "stop": torch.tensor(0),
    }


def _samples(spec: dict, rows: Tensor) -> list[tuple[int, int]]:
    return [(spec["seeds"][row // spec["per_seed"]], row % spec["per_seed"]) for row in rows.tolist()]


def _batches(count: int, size: int) -> Iterator[Tensor]:
    """Row numbers in batches of one size: the last is filled up with repetitions.

    A matrix product may round differently in another shape, so the shape never changes.
    """
    for first in range(0, count, size):
        yield torch.arange(first, first + size) % count


def _carry(job: Job, denoiser: Denoiser, boundary: dict, start: int, progress) -> dict:
    """One batch from its boundary to the next."""
    spec, device = job.spec, denoiser.device
    samples = _samples(spec, boundary["index"])
    labels, null_class = boundary["label"].to(device), denoiser.nets["main"].null_class
    condition = Condition.labels(labels, null_class)
    if not spec["conditional"]:
        condition = Condition(condition.null, condition.null)
    x, state = sample(
        denoiser,
        boundary["x"].to(device),
        condition,
        times=spec["times"],
        methods=decode(spec["steps"]),
        solver=spec["solver"],
        noise=lambda step: step_noise(samples, spec["shape"], step).to(device),
        start=start,
        stop=spec["stop"],
        state=State(
            {
                name.removeprefix(STATE): tensor.to(device)
                for name, tensor in boundary.items()
                if name.startswith(STATE)
            }
        ),
        progress=progress,
    )
    kept = {name: boundary[name] for name in ("index", "label", "seed")}
    carried = {STATE + name: tensor.cpu() for name, tensor in state.tensors.items()}
    return {"x": x.cpu()} | kept | carried

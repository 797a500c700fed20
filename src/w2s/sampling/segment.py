"""Builds a segment: samples carried from noise, or an earlier segment, to a boundary."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from w2s.conditions.base import Source
from w2s.conditions.sources import source_of
from w2s.device import pick
from w2s.guidance.base import State
from w2s.job import Job
from w2s.models.load import load
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.loop import sample
from w2s.sampling.noise import initial_noise, step_noise
from w2s.sampling.trajectories import Segment, decode, segment_forwards
from w2s.sampling.tree import forwards_unshared

STATE = "state/"  # prefix of the methods' tensors in the boundary file
DTYPES = {"fp32": torch.float32, "fp64": torch.float64}  # of x between solver steps


def build(job: Job) -> dict:
    """Draw one shard of a sample set up to step `stop`.

    Writes state.safetensors: x (n, C, h, w), index (n,) numbers in the whole set, label (n,), seed
    (n,), stop () and, before the end, the methods' state.  x is float32 at the end, and before it
    of the precision `state` of the spec.  Returns forwards run per
    sample, and what they would be with every signal computed on its own.
    """
    spec, methods = job.spec, decode(job.spec["steps"])[: job.spec["stop"]]
    source = source_of(spec, job.parents)
    denoiser = _denoiser(job, source)
    rows = torch.arange(len(source))[spec["shard"] :: spec["of"]]
    boundary = _start(job, source, rows)
    start = int(boundary.pop("stop"))
    batches = list(_batches(len(rows), spec["batch"]))
    total = len(batches) * (len(methods) - start)
    ticks = job.progress(range(total), total, "sampling step")
    next(ticks)  # from here on, each call reports the step before it
    finished = [
        _carry(
            spec,
            denoiser,
            source,
            {name: tensor[part] for name, tensor in boundary.items()},
            methods=methods,
            start=start,
            progress=lambda step: next(ticks, None),
        )
        for part in batches
    ]
    whole = {name: torch.cat([f[name] for f in finished])[: len(rows)] for name in finished[0]}
    if spec["stop"] == len(spec["times"]) - 1:  # nothing follows that could use a method's state
        whole = {name: tensor for name, tensor in whole.items() if not name.startswith(STATE)}
        whole["x"] = whole["x"].float()
    whole["stop"] = torch.tensor(spec["stop"])
    save_file(whole, job.out / "state.safetensors")
    separate = segment_forwards(
        Segment(start, methods), denoiser.shapes, spec["times"], spec["solver"], forwards_unshared
    )
    return {"forwards": denoiser.forwards / len(batches), "forwards_unshared": separate}


def _denoiser(job: Job, source: Source) -> Denoiser:
    weights = job.spec.get("weights", "fp32")
    weak = {
        role.removeprefix("weak:"): load(job.parent(role), weights)
        for role in job.parents
        if role.startswith("weak:")
    }
    device = pick(job.execution.device)
    return Denoiser(
        load(job.parent("model"), weights),
        weak,
        device=device,
        precision=job.spec["precision"],
        weights=weights,
        compiled=job.spec["compile"],
        batched=job.spec.get("one_batch") or device.type != "cpu",
        use={"latents": job.spec["shape"], **source.use},
    )


def _start(job: Job, source: Source, rows: Tensor) -> dict[str, Tensor]:
    """The boundary this segment begins at: an earlier segment's, or noise."""
    if "from" in job.parents:
        return load_file(job.parent("from") / "state.safetensors")
    samples, std = source.samples(rows.tolist()), job.spec.get("initial_std")
    noise = initial_noise(samples, job.spec["shape"])
    return {
        "x": noise if std is None else std * noise,
        "index": rows,
        "label": source.numbers(samples),
        "seed": torch.tensor([seed for seed, *_ in samples]),
        "stop": torch.tensor(0),
    }


def _batches(count: int, size: int) -> Iterator[Tensor]:
    """Row numbers in batches of one size: the last is filled up with repetitions.

    A matrix product may round differently in another shape, so the shape never changes.
    """
    for first in range(0, count, size):
        yield torch.arange(first, first + size) % count


def _carry(
    spec: dict, denoiser: Denoiser, source: Source, boundary: dict[str, Tensor], **stretch
) -> dict:
    """One batch from its boundary to the next; `stretch` goes on to the loop."""
    device = denoiser.device
    samples = source.samples(boundary["index"].tolist())
    state = State(
        {
            name.removeprefix(STATE): tensor.to(device)
            for name, tensor in boundary.items()
            if name.startswith(STATE)
        }
    )
    x, state = sample(
        denoiser,
        boundary["x"].to(device, DTYPES[spec["state"]]),
        source.condition(boundary["label"].to(device)),
        times=spec["times"],
        solver=spec["solver"],
        noise=lambda step: step_noise(samples, spec["shape"], step).to(device),
        state=state,
        **stretch,
    )
    carried = {STATE + name: tensor.cpu() for name, tensor in state.tensors.items()}
    kept = {name: boundary[name] for name in ("index", "label", "seed")}
    return {"x": x.cpu()} | kept | carried

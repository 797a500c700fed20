"""Seconds per forward on this machine: what `w2s plan` turns forwards into hours with."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from w2s.guidance.base import STRONG
from w2s.models.registry import family_of
from w2s.params.networks import network_config
from w2s.params.parts import Study
from w2s.plan.estimate import gmacs

SECONDS = 5.0  # how long to measure
CPU_WORK, GPU_WORK = 16.0, 2000.0  # billions of multiply-accumulates at once, about


def measure_cost(study: Study) -> str:
    """Time forwards of the study's largest network; returns the block to put into the scale."""
    import torch

    from w2s.conditions.labels import Labels
    from w2s.device import pick
    from w2s.models.load import build
    from w2s.sampling.denoiser import Denoiser

    configs = [network_config(part, name) for part in study.parts for name in part.params.models]
    config = max(configs, key=gmacs)
    device = pick(study.execution.device)
    torch.set_num_threads(study.execution.threads)
    gpu, family = device.type == "cuda", family_of(config)
    denoiser = Denoiser(build(config), device=device, precision="bf16" if gpu else "fp32")
    work = GPU_WORK if gpu else CPU_WORK
    batch = max(1, min(256, round(work / gmacs(config))))
    x = torch.randn(batch, *family.latents(config), device=device)
    labels = torch.zeros(batch, dtype=torch.int64, device=device)
    condition = Labels(family.classes(config)).condition(labels)
    denoiser(x, 0.5, condition, [STRONG])
    count, start = 0, time.monotonic()
    while time.monotonic() - start < SECONDS:
        float(denoiser(x, 0.5, condition, [STRONG])[STRONG].mean())  # waits for the device
        count += batch
    seconds = (time.monotonic() - start) / count
    name = torch.cuda.get_device_name(device) if gpu else f"CPU, {study.execution.threads} thread"
    return (
        "cost:\n"
        f"  device: {name}\n"
        f"  measured: {datetime.now(UTC):%Y-%m-%d}\n"
        f"  seconds_per_gmac: {seconds / gmacs(config):.3e}"
    )

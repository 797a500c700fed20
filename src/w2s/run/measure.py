"""Seconds per forward on this machine: what `w2s plan` turns forwards into hours with."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from w2s.errors import UserError
from w2s.guidance.base import STRONG
from w2s.models.registry import family_of, shape_of
from w2s.params.parts import Study
from w2s.plan.estimate import gmacs, parameters
from w2s.plan.study import planner_of

if TYPE_CHECKING:
    from w2s.conditions.base import Condition

SECONDS = 5.0  # how long to measure
CPU_WORK, GPU_WORK = 16.0, 2000.0  # billions of multiply-accumulates at once, about
WHOLE = 5e8  # weights, up to which a network is measured with all its blocks


def measure_cost(study: Study) -> str:
    """Time forwards of the study's largest network; returns the block to put into the scale."""
    import torch

    from w2s.device import pick
    from w2s.models.load import build
    from w2s.sampling.denoiser import Denoiser

    configs = [config for part in study.parts for config in planner_of(part).networks(part)]
    if not configs:
        raise UserError("no part that is run names a network under models; there is none to time")
    config = thinned(max(configs, key=gmacs))
    device = pick(study.execution.device)
    torch.set_num_threads(study.execution.threads)
    gpu = device.type == "cuda"
    denoiser = Denoiser(build(config), device=device, precision="bf16" if gpu else "fp32")
    work = GPU_WORK if gpu else CPU_WORK
    batch = max(1, min(256, round(work / gmacs(config))))
    x = torch.randn(batch, *family_of(config).latents(config), device=device)
    given = condition(config, batch, device)
    denoiser(x, 0.5, given, [STRONG])
    count, start = 0, time.monotonic()
    while time.monotonic() - start < SECONDS:
        float(denoiser(x, 0.5, given, [STRONG])[STRONG].mean())  # waits for the device
        count += batch
    seconds = (time.monotonic() - start) / count
    name = torch.cuda.get_device_name(device) if gpu else f"CPU, {study.execution.threads} thread"
    return (
        "cost:\n"
        f"  device: {name}\n"
        f"  measured: {datetime.now(UTC):%Y-%m-%d}\n"
        f"  seconds_per_gmac: {seconds / gmacs(config):.3e}"
    )


def thinned(config: Mapping) -> Mapping:
    """The network, or its first and last block where it is too large to be built for this."""
    depth = shape_of(config).depth
    if parameters(config) <= WHOLE or depth <= 2:
        return config
    return family_of(config).part_config(config, {"skip": list(range(1, depth - 1))})


def condition(config: Mapping, batch: int, device) -> Condition:
    """What a network is given, as many as there are samples: any labels or prompts do."""
    import torch

    from w2s.conditions.base import Condition
    from w2s.conditions.labels import Labels

    family = family_of(config)
    if family.condition == "prompts":
        text = torch.randn(batch, config["text_tokens"], config["joint_attention_dim"])
        pooled = torch.randn(batch, config["pooled_projection_dim"])
        given = (text.to(device), pooled.to(device))
        return Condition(given, given)
    labels = torch.zeros(batch, dtype=torch.int64, device=device)
    return Labels(family.classes(config)).condition(labels)

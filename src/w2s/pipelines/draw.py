"""Guided images of prompts, drawn with any SD3 or SD3.5 pipeline of diffusers.

from w2s.pipelines.draw import draw

drawn = draw(pipe, ["a red ring"], guidance={"method": "cfg", "weight": 4.5})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from w2s.device import pick
from w2s.errors import UserError
from w2s.guidance.reading import read_guidance
from w2s.guidance.windows import windows_in_steps
from w2s.pipelines.course import batches, course_of
from w2s.pipelines.decoding import decode
from w2s.pipelines.given import Given, given_of
from w2s.pipelines.moving import visiting
from w2s.pipelines.progress import counting
from w2s.pipelines.times import check_scheduler
from w2s.pipelines.trajectory import Trajectory
from w2s.sampling.noise import initial_noise

VAE_FACTOR = 8  # pixels per latent of a pipeline without a VAE, as diffusers has it
TEXT_ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3")


@dataclass(frozen=True)
class Drawn:
    """Images by prompt, then by number, and what was done for them."""

    images: np.ndarray | None  # uint8 (n, H, W, 3); None where latents were asked for
    latents: Tensor  # (n, C, h, w) float32, on the CPU
    forwards: float  # of the transformer, per image
    times: tuple[float, ...]  # of all steps, and 0
    windows: list[dict]  # each window's method, range of t, and steps
    truncated: list[dict[str, int]]  # tokens cut off each prompt, by encoder if any


@torch.no_grad()
def draw(
    pipe: Any,
    prompts: str | Sequence[str] | None = None,
    *,
    guidance: Any = (),
    negative_prompt: str | Sequence[str] = "",
    prompt_embeds: Tensor | None = None,
    pooled_prompt_embeds: Tensor | None = None,
    negative_prompt_embeds: Tensor | None = None,
    negative_pooled_prompt_embeds: Tensor | None = None,
    latents: Tensor | None = None,
    height: int | None = None,
    width: int | None = None,
    steps: int = 28,
    images_per_prompt: int = 1,
    seed: int = 0,
    batch: int = 4,
    weak: Mapping[str, Any] | None = None,
    max_sequence_length: int | None = None,
    offload: bool | str | torch.device = False,
    output: Literal["images", "latents"] = "images",
    progress: bool = True,
) -> Drawn:
    """Draw images with a pipeline's own networks, scheduler and precision, and any guidance.

    pipe: a StableDiffusion3Pipeline, or any object with `transformer` and `scheduler`, which is
        enough for embeddings in and latents out.
    prompts: one or several; or instead of them prompt_embeds (p, L, E) and pooled_prompt_embeds
        (p, P), with the negative ones, (p, ...) or (1, ...), if the guidance needs them.
    guidance: a list of windows as in a study (docs/guidance.md), or a mapping for one; an empty
        list is none.
    negative_prompt: for all prompts, or one for each; the empty prompt if not given.
    latents: initial noise (p * images_per_prompt, C, h, w); if not given it follows from seed,
        prompt and number of the image alone (of embeddings: from the row's number), so that other
        prompts change nothing.
    height, width: of the images in pixels; the transformer's own size if not given.
    batch: images drawn at once, at most; all batches are filled up to one size.
    weak: networks that the guidance calls by these names, each a transformer or a pipeline.
    max_sequence_length: tokens of the T5 part of prompts, zeros without a T5; if not given what
        the model says, else 256.
    offload: whether text encoders, transformer and VAE go to a device in turn, each only while it
        works: to that device, or True for CUDA where there is some.  Otherwise they work where
        they are.

    Raises UserError, before anything is computed, for what cannot be done or would be ignored.
    """
    _check_pipe(pipe, output)
    _check_counts(steps=steps, images_per_prompt=images_per_prompt, batch=batch)
    device = pick("auto" if offload is True else str(offload)) if offload else None
    windows = read_guidance(guidance)
    nets = {name: getattr(net, "transformer", net) for name, net in (weak or {}).items()}
    course = course_of(
        pipe.transformer.config,
        _scheduler(pipe.scheduler),
        windows,
        steps=steps,
        size=_size(pipe, latents, height, width),
        weak={name: net.config for name, net in nets.items()},
    )
    trajectory = Trajectory(course, pipe.transformer, nets)
    embeds = (prompt_embeds, pooled_prompt_embeds)
    negative = (negative_prompt_embeds, negative_pooled_prompt_embeds)
    encoders = () if prompts is None else TEXT_ENCODERS
    with visiting([getattr(pipe, name, None) for name in encoders], device):
        null, length = course.needs_null, max_sequence_length
        given = given_of(pipe, prompts, negative_prompt, embeds, negative, null, length)
    noise = _noise(given, latents, course.shape, seed, images_per_prompt)
    drawn, forwards = _carried(trajectory, given, noise, batch, device, progress)
    images = None
    if output == "images":
        with visiting([pipe.vae], device):
            images = decode(pipe.vae, drawn)
    recorded = windows_in_steps(windows, course.times)
    return Drawn(images, drawn, forwards, course.times, recorded, given.truncated)


def _carried(
    trajectory: Trajectory,
    given: Given,
    latents: Tensor,
    batch: int,
    device: torch.device | None,
    progress: bool,
) -> tuple[Tensor, float]:
    """Latents of all images at t = 0, on the CPU, and forwards per image."""
    groups, each = list(batches(len(latents), batch)), len(latents) // len(given)
    total, finished = len(groups) * len(trajectory.course.methods), []
    with visiting(trajectory.networks, device), counting("sampling step", total, progress) as tick:
        denoiser = trajectory.denoiser(given.embeds[0].shape[1], device)
        for rows in groups:
            condition = given.condition(torch.tensor(rows) // each)
            finished.append(trajectory.run(denoiser, latents[rows], condition, tick).cpu())
    return torch.cat(finished)[: len(latents)], denoiser.forwards / len(groups)


def _check_pipe(pipe: Any, output: str) -> None:
    for name in ("transformer", "scheduler"):
        if getattr(pipe, name, None) is None:
            raise UserError(f"the pipeline has no {name}: give one with transformer and scheduler")
    if getattr(pipe, "controlnet", None) is not None:
        raise UserError("the pipeline has a ControlNet, which would be ignored: give one without")
    if output not in ("images", "latents"):
        raise UserError(f"output is {output!r}: it is images or latents")
    if output == "images" and getattr(pipe, "vae", None) is None:
        raise UserError("the pipeline has no VAE to decode with: give one, or output='latents'")


def _check_counts(**counts: int) -> None:
    for name, count in counts.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise UserError(f"{name} must be a whole number above 0, not {count!r}")


def _noise(
    given: Given, latents: Tensor | None, shape: tuple[int, int, int], seed: int, each: int
) -> Tensor:
    """The initial latents (n, C, h, w), checked if they were given."""
    if latents is None:
        return initial_noise(given.samples(seed, each), shape)
    if latents.shape != (wanted := (len(given) * each, *shape)):
        raise UserError(
            f"latents are {tuple(latents.shape)} and must be {wanted}: as many as prompts times "
            "images_per_prompt, and of the transformer's channels"
        )
    return latents


def _scheduler(scheduler: Any) -> dict:
    """The configuration of a scheduler, unless it was changed since."""
    config = check_scheduler({**scheduler.config, "_class_name": type(scheduler).__name__})
    if scheduler.shift != config["shift"]:
        raise UserError(
            f"the scheduler's shift was set to {scheduler.shift} and its configuration says "
            f"{config['shift']}: make it anew by from_config(scheduler.config, shift=...)"
        )
    return config


def _size(
    pipe: Any, latents: Tensor | None, height: int | None, width: int | None
) -> tuple[int, int]:
    """Height and width of the latents."""
    if latents is not None:
        if height is not None or width is not None or latents.ndim != 4:
            raise UserError("latents (n, C, h, w) say how large the images are: give no other size")
        return tuple(latents.shape[2:])
    factor = getattr(pipe, "vae_scale_factor", VAE_FACTOR)
    side = pipe.transformer.config.sample_size * factor
    found = []
    for name, pixels in (("height", height), ("width", width)):
        pixels = side if pixels is None else pixels
        if pixels % factor:
            raise UserError(f"{name} is {pixels}: give a multiple of {factor} pixels")
        found.append(pixels // factor)
    return tuple(found)

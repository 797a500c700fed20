"""Runs of diffusers' modular SD3 pipelines on the tiny models, and of separate full forwards."""

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.modular_pipelines.stable_diffusion_3.modular_blocks_stable_diffusion_3 import (
    StableDiffusion3T2ICoreDenoiseStep,
)
from diffusers.utils import logging
from pydantic import TypeAdapter
from tiny_sd3 import CLIP_WIDTHS, LATENT, T5_WIDTH, transformer

from w2s.guidance.base import STRONG, State
from w2s.guidance.windows import Guidance, resolve
from w2s.pipelines.forked import forked

STEPS, HEIGHT, WIDTH, LAYERS = 5, 6, 10, 12
logging.set_verbosity(logging.CRITICAL)  # it logs what it raises, and warns of every guider


def inputs(n=2, text=7, negative=True):
    """Latents and embeddings as a pipeline takes them; every prompt of a batch differs."""
    generator = torch.Generator().manual_seed(5)

    def draw(*shape):
        return torch.randn(n, *shape, generator=generator)

    given = {
        "latents": draw(LATENT, HEIGHT, WIDTH),
        "prompt_embeds": draw(text, T5_WIDTH),
        "pooled_prompt_embeds": draw(sum(CLIP_WIDTHS)),
        "negative_prompt_embeds": draw(text, T5_WIDTH),
        "negative_pooled_prompt_embeds": draw(sum(CLIP_WIDTHS)),
    }
    return given if negative else {k: v for k, v in given.items() if "negative" not in k}


def pipe(net, guider, *, fork=False, shift=3.0):
    """A pipeline from embeddings to latents."""
    blocks = StableDiffusion3T2ICoreDenoiseStep()
    made = (forked(blocks) if fork else blocks).init_pipeline()
    scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    made.update_components(transformer=net, scheduler=scheduler, guider=guider)
    made.set_progress_bar_config(disable=True)
    return made


def draw(net, guider, given, *, fork=False, output="latents", **more):
    """What a pipeline makes of these inputs."""
    return pipe(net, guider, fork=fork)(
        **given,
        height=8 * HEIGHT,
        width=8 * WIDTH,
        num_inference_steps=STEPS,
        output=output,
        **more,
    )


def forward(nets, signal, x, t, given):
    """One prediction by a full forward pass of its own."""
    which = "negative_" if signal.null else ""
    return nets[signal.net](
        x,
        given[f"{which}prompt_embeds"],
        given[f"{which}pooled_prompt_embeds"],
        torch.full((len(x),), t) * 1000,
        skip_layers=list(signal.skip),
        return_dict=False,
    )[0]


@torch.no_grad()
def reference(nets, windows, given, times=None):
    """The trajectory with each prediction on its own, at the scheduler's times or others."""
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(STEPS)
    times, x, state = times or scheduler.sigmas.tolist(), given["latents"], State()
    for i, method in enumerate(resolve(TypeAdapter(Guidance).validate_python(windows), times)):
        asked = [STRONG] if method is None else method.signals()
        v = {s: forward(nets, s, x, times[i], given) for s in asked}
        guided = v[STRONG] if method is None else method.combine(v, x, times[i], state)
        x = x + (times[i + 1] - times[i]) * guided
    return x


def close(one, other, tolerance=1e-5):
    """Equal but for rounding, relative to the norm."""
    return bool((one - other).norm() <= tolerance * other.norm())


def networks(kind="sd3"):
    """A network and a smaller, unlike one."""
    return {"main": transformer(kind, LAYERS), "small": transformer(kind, 6, seed=1)}

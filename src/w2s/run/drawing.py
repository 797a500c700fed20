"""The work of `w2s sample`: networks loaded in turn, and pictures written as they are drawn."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from w2s.conditions.prompts import prompt_samples
from w2s.device import pick
from w2s.params.request import Request
from w2s.pipelines.decoding import decode
from w2s.pipelines.draw import TEXT_ENCODERS
from w2s.pipelines.given import Given, from_prompts
from w2s.pipelines.loading import load_network, load_text
from w2s.pipelines.moving import visiting
from w2s.pipelines.progress import counting
from w2s.pipelines.trajectory import Trajectory
from w2s.run.recipe_pictures import write_picture
from w2s.sampling.noise import initial_noise


@torch.no_grad()
def draw_pictures(
    request: Request,
    todo: Sequence[list[int]],
    pictures: Sequence[tuple[Path, dict]],
    there: Sequence[bool],
) -> None:
    """Draw batches of images, and write those that are not there; on standard error, progress.

    todo: numbers of the images of each batch.  pictures: place and recipe of each image.

    The text encoders have left the device, and memory, before the transformer comes.
    """
    _quiet()
    device, written = pick(request.device), list(there)
    given = _encoded(request, device)
    transformer = load_network(request.folder, "transformer", request.precision)
    vae = load_network(request.folder, "vae", request.precision).to(device)
    weak = {
        name: load_network(other, "transformer", request.precision)
        for name, other in request.weak.items()
    }
    trajectory = Trajectory(request.course, transformer, weak)
    denoiser = trajectory.denoiser(request.text_tokens, device)
    samples = prompt_samples(request.prompts.texts, [request.seed], request.images)
    with counting("sampling step", len(todo) * len(request.course.methods)) as tick:
        for rows in todo:
            noise = initial_noise([samples[row] for row in rows], request.course.shape)
            condition = given.condition(torch.tensor(rows) // request.images)
            images = decode(vae, trajectory.run(denoiser, noise, condition, tick))
            for row, pixels in zip(rows, images, strict=True):
                if not written[row]:
                    place, recipe = pictures[row]
                    write_picture(place, pixels, recipe)
                    written[row] = True


def _encoded(request: Request, device: torch.device) -> Given:
    """All prompts and the negative one, on the CPU; says what is cut off of them."""
    pipe, texts = load_text(request.folder, request.precision), request.prompts.texts
    null = request.course.needs_null
    total = len({*texts, request.negative} if null else {*texts})
    encoders = [getattr(pipe, name) for name in TEXT_ENCODERS]
    with visiting(encoders, device), counting("prompt encoded", total) as tick:
        given = from_prompts(
            pipe, texts, request.negative, null, request.text_length, progress=lambda _: tick()
        )
        given = given.moved(torch.device("cpu"))
    for number, cut in enumerate(given.truncated):
        for encoder, count in cut.items():
            said = f"prompt {number}: {encoder} does not see its last {count} tokens"
            print(said, file=sys.stderr)
    del pipe, encoders
    gc.collect()
    return given


def _quiet() -> None:
    """No bars and warnings of the libraries' own: what they say of prompts is said here."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    for library in (diffusers_logging, transformers_logging):
        library.disable_progress_bar()
        library.set_verbosity_error()

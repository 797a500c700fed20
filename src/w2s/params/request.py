"""What `w2s sample` is asked for: read from its arguments, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from w2s.conditions.prompt_sets import PromptSet, read_prompts
from w2s.errors import UserError
from w2s.guidance.windows import Window
from w2s.params.guidance_choice import Entries, choose_guidance
from w2s.pipelines.course import Course, course_of
from w2s.pipelines.folder import MOST_TEXT_TOKENS, PipelineFolder, read_folder

PRECISIONS = ("fp32", "bf16", "fp16")


@dataclass(frozen=True)
class Request:
    """Images to draw of prompts, with a pipeline's folder and a guidance."""

    folder: PipelineFolder
    weak: dict[str, PipelineFolder]  # networks that the guidance calls by these names
    prompts: PromptSet
    guidance_name: str
    guidance: tuple[Window, ...]
    course: Course
    images: int  # of each prompt
    seed: int
    negative: str
    text_length: int  # tokens of the T5 part of a prompt
    precision: str
    batch: int
    device: str
    out: Path

    @property
    def text_tokens(self) -> int:
        """All tokens of a prompt."""
        return self.folder.clip_tokens + self.text_length


def read_request(
    *,
    model: Path,
    weak: Sequence[str],
    guidance: str,
    prompts: Path,
    out: Path,
    entries: Entries,
    steps: int,
    seed: int,
    images: int,
    negative: str,
    height: int | None,
    width: int | None,
    text_length: int | None,
    precision: str,
    batch: int,
    device: str,
) -> Request:
    """The arguments of `w2s sample`; height and width in pixels, of the model if None.

    entries: as `choose_guidance` takes them.

    Raises:
        UserError: anything the user can mend, before anything is loaded or drawn.
    """
    for flag, count in (("steps", steps), ("images", images), ("batch", batch)):
        if count < 1:
            raise UserError(f"--{flag}: must be at least 1, not {count}")
    if not 0 <= seed < 2**31:
        raise UserError(f"--seed: must be at least 0 and below 2^31, not {seed}")
    if precision not in PRECISIONS:
        raise UserError(f"--precision: must be one of {', '.join(PRECISIONS)}, not '{precision}'")
    if text_length is not None and not 1 <= text_length <= MOST_TEXT_TOKENS:
        raise UserError(f"--text-length: must be 1 to {MOST_TEXT_TOKENS}, not {text_length}")
    name, windows, where = choose_guidance(guidance, entries, methods=True)
    folder = _folder("--model", model)
    others = _weak(weak)
    size = _latents(folder, height, width)
    try:
        course = course_of(
            folder.transformer,
            folder.scheduler,
            windows,
            steps=steps,
            size=size,
            weak={weak_name: other.transformer for weak_name, other in others.items()},
        )
    except UserError as error:
        raise UserError(f"{where()}: {error}") from None
    return Request(
        folder=folder,
        weak={weak_name: others[weak_name] for weak_name in course.nets if weak_name in others},
        prompts=_prompts(prompts),
        guidance_name=name,
        guidance=windows,
        course=course,
        images=images,
        seed=seed,
        negative=negative,
        text_length=text_length or folder.max_sequence_length,
        precision=precision,
        batch=batch,
        device=device,
        out=out,
    )


def _folder(flag: str, path: Path) -> PipelineFolder:
    try:
        return read_folder(path)
    except UserError as error:
        raise UserError(f"{flag}: {error}") from None


def _prompts(path: Path) -> PromptSet:
    try:
        return read_prompts(path)
    except UserError as error:
        raise UserError(f"--prompts: {error}") from None


def _weak(given: Sequence[str]) -> dict[str, PipelineFolder]:
    """Folders by name, each given as ``name=folder``."""
    found: dict[str, PipelineFolder] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise UserError(f"--weak: must be like small=path/to/folder, not '{text}'")
        if name in found:
            raise UserError(f"--weak: {name} appears twice")
        found[name] = _folder("--weak", Path(path))
    return found


def _latents(folder: PipelineFolder, height: int | None, width: int | None) -> tuple[int, int]:
    """Height and width of the latents; the transformer's own where they are not given."""
    factor, side = folder.pixels_per_latent, folder.transformer["sample_size"]
    step = factor * folder.transformer["patch_size"]
    for flag, pixels in (("height", height), ("width", width)):
        most = step * folder.transformer["pos_embed_max_size"]
        if pixels is not None and (pixels % step or not 0 < pixels <= most):
            raise UserError(
                f"--{flag}: must be a multiple of {step} pixels up to {most}, not {pixels}"
            )
    return tuple(side if pixels is None else pixels // factor for pixels in (height, width))

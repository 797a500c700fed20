"""`w2s sample`: guided images of a file of prompts, from any SD3 or SD3.5 folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import w2s
from w2s.device import pick
from w2s.guidance.windows import windows_in_steps
from w2s.params.fingerprint import fingerprint
from w2s.params.request import Request
from w2s.pipelines.course import batches
from w2s.pipelines.folder import NETWORKS, T5, TOKENIZERS
from w2s.run.build import versions
from w2s.run.recipe_pictures import is_drawn, open_folder

PARTS = ("scheduler", *NETWORKS, *TOKENIZERS)


def sample(request: Request) -> str:
    """Draw what is not there yet; says what was done.

    Pictures are named by the numbers of prompt and image, from 0.  They are drawn in batches that
    follow from the recipe alone, and a batch is drawn again if any of its pictures is missing: so
    a command that was killed, given again, ends with the same bytes.
    """
    recipe = _recipe(request)
    open_folder(request.out, recipe)
    pictures = list(_pictures(request, recipe))
    there = [is_drawn(*picture) for picture in pictures]
    groups = batches(len(pictures), request.batch)
    if todo := [rows for rows in groups if not all(there[row] for row in rows)]:
        from w2s.run.drawing import draw_pictures

        draw_pictures(request, todo, pictures, there)
    return (
        f"{len(pictures)} images in {request.out}, {sum(there)} of them there before; "
        f"{recipe['forwards']:.2f} forwards each"
    )


def _recipe(request: Request) -> dict:
    """All that the images depend on, but for their own prompt and number."""
    course, folder = request.course, request.folder
    parts = [name for name in PARTS if folder.t5 or name not in T5]
    return {
        "model": {name: fingerprint(folder.path / name) for name in parts},
        "weak": {name: fingerprint(f.path / "transformer") for name, f in request.weak.items()},
        "guidance_name": request.guidance_name,
        "guidance": [window.model_dump(mode="json") for window in request.guidance],
        "windows": windows_in_steps(request.guidance, course.times),
        "times": list(course.times),
        "prompts": {"count": len(request.prompts.texts), "sha256": request.prompts.sha256},
        "negative_prompt": request.negative,
        "text_length": request.text_length,
        "seed": request.seed,
        "images_per_prompt": request.images,
        "latents": list(course.shape),
        "precision": request.precision,
        "batch": request.batch,
        "device": pick(request.device).type,
        "forwards": course.forwards(request.text_tokens),
        "versions": {"w2s": w2s.__version__, **versions()},
    }


def _pictures(request: Request, recipe: dict) -> Iterator[tuple[Path, dict]]:
    """Place and recipe of each image, by prompt and then by number."""
    texts = request.prompts.texts
    wide = max(4, len(str(len(texts) - 1))), len(str(request.images - 1))
    for number, text in enumerate(texts):
        for image in range(request.images):
            name = f"{number:0{wide[0]}}-{image:0{wide[1]}}.png"
            yield request.out / name, {"prompt": text, "number": number, "image": image} | recipe

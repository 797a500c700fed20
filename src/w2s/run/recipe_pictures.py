"""PNG files that say how they were made, in a folder of one recipe."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from w2s.errors import UserError
from w2s.files import replacing, write_json

END = b"IEND\xaeB`\x82"  # of a whole PNG file
KEY = "w2s"  # of the recipe in a picture's text
RECIPE = "recipe.json"  # what all pictures of a folder have in common


def open_folder(folder: Path, recipe: dict) -> None:
    """Make a folder for pictures of this recipe, or go on with one.

    Raises UserError for a folder with pictures of another recipe, or with other files.
    """
    place = folder / RECIPE
    if place.is_file():
        there = json.loads(place.read_text(encoding="utf-8"))
        if differ := [key for key in recipe if there.get(key) != recipe[key]]:
            raise UserError(
                f"{folder} holds images of another recipe ({', '.join(differ)} differ from "
                f"{RECIPE} there): choose another folder with --out"
            )
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            f"{folder} is not empty and was not made by this command: choose another with --out"
        )
    write_json(place, recipe)


def is_drawn(path: Path, recipe: dict) -> bool:
    """Whether a file is a whole picture of exactly this recipe."""
    if not path.is_file() or not path.read_bytes().endswith(END):
        return False
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            return image.text.get(KEY) == _text(recipe)
    except (OSError, SyntaxError, ValueError):  # what Pillow says of damaged files
        return False


def write_picture(path: Path, pixels: np.ndarray, recipe: dict) -> None:
    """Write uint8 (H, W, 3) whole or not at all, with its recipe as text."""
    text = PngInfo()
    text.add_itxt(KEY, _text(recipe))
    with replacing(path) as scratch:
        Image.fromarray(pixels).save(scratch, format="png", pnginfo=text)


def _text(recipe: dict) -> str:
    return json.dumps(recipe, ensure_ascii=False)

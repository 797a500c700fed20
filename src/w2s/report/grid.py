"""Sample grids: one line of images per table row, the same samples in each column."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from w2s.files import replacing
from w2s.report.style import GREY, INK

if TYPE_CHECKING:
    from numpy import ndarray
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

CELL = 96  # pixels; smaller images are enlarged by a whole factor, never beyond this
LARGEST = 128  # pixels; larger images are reduced to this
GAP = 4
APART = 24  # between two blocks of columns
MARGIN = 12
FONT_SIZE = 17
LINE = 1.3  # line height in font sizes


def sample_grid(
    path: Path,
    key: str,
    rows: list[tuple[str, ndarray]],
    columns: list[str],
    aside: tuple[int, str] | None = None,
) -> None:
    """Write a PNG with one line per row and its label on the left.

    rows: (label, images uint8 (n, H, W, 3)); a label may have several lines, of which all after
        the first are shown in grey. Every row has the same n, H and W.
    columns: n labels shown above the images; empty strings where there is nothing to say.
    aside: the column from which on images stand apart, and the heading above them.
    """
    from PIL import Image, ImageDraw
    from PIL.PngImagePlugin import PngInfo

    font = load_font(FONT_SIZE)
    tall, wide = _cell_size(*rows[0][1].shape[1:3])
    apart, heading = aside or (len(columns), "")
    left, top = _corner(rows, columns, heading, font, wide)
    places = [left + i * (wide + GAP) + (APART if i >= apart else 0) for i in range(len(columns))]
    width = places[-1] + wide + MARGIN
    height = top + len(rows) * (tall + GAP) - GAP + MARGIN
    canvas = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(canvas)
    if heading:
        draw.text((places[apart], MARGIN), heading, GREY, font, anchor="la")
    for place, label in zip(places, columns, strict=True):
        at = place + wide // 2, top - GAP - 2
        draw.multiline_text(at, _wrap(label, font, wide), INK, font, "md", align="center")
    for row, (label, images) in enumerate(rows):
        y = top + row * (tall + GAP)
        _row_label(draw, label, font, y + tall / 2)
        for place, image in zip(places, images, strict=True):
            canvas.paste(resized(Image.fromarray(image), (wide, tall)), (place, y))
    info = PngInfo()
    info.add_text("w2s-key", key)
    with replacing(path) as scratch:
        canvas.save(scratch, format="png", pnginfo=info, optimize=True)


def load_font(size: int) -> FreeTypeFont:
    """The font of all grids, in a size of pixels."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(get_data_path(), "fonts/ttf/DejaVuSans.ttf")), size)


def _cell_size(height: int, width: int) -> tuple[int, int]:
    """Height and width of a picture in the grid; its longer side decides."""
    longest = max(height, width)
    size = longest * max(CELL // longest, 1) if longest <= LARGEST else LARGEST
    return max(1, round(height * size / longest)), max(1, round(width * size / longest))


def _corner(
    rows: list, columns: list[str], heading: str, font: FreeTypeFont, size: int
) -> tuple[int, int]:
    """Where the first image goes: right of the widest row label, below all that stands above."""
    lines = [line for label, _ in rows for line in label.split("\n")]
    left = MARGIN + max(int(font.getlength(line)) for line in lines) + MARGIN
    tallest = max(_wrap(label, font, size).count("\n") + 1 for label in columns)
    above = (tallest if any(columns) else 0) + (1 if heading else 0)
    return left, MARGIN + (int(above * LINE * FONT_SIZE) + GAP if above else 0)


def _wrap(label: str, font: FreeTypeFont, width: int) -> str:
    """`label` broken at spaces so that each line is at most `width` pixels, where words allow."""
    lines: list[str] = []
    for word in label.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _row_label(draw: ImageDraw, label: str, font: FreeTypeFont, middle: float) -> None:
    lines = label.split("\n")
    step = LINE * FONT_SIZE
    y = middle - step * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        draw.text((MARGIN, y + number * step), line, GREY if number else INK, font, anchor="lm")


def resized(image: Image, size: tuple[int, int]) -> Image:
    """Enlarged to squares of one colour, or reduced by averaging; size: width and height."""
    from PIL.Image import Resampling

    enlarged = size >= image.size
    return image.resize(size, Resampling.NEAREST if enlarged else Resampling.LANCZOS)

"""Pictures to judge by eye: a line of images per row and the same prompts and noise in each column.

Images are shown at their own size, up to `LARGEST` pixels, and small ones enlarged.  Text is large
enough to be read where the picture is as wide as a page's text.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from w2s.files import replacing
from w2s.report.grid import load_font, resized
from w2s.report.style import INK, TEXT_WIDTH

if TYPE_CHECKING:
    from numpy import ndarray
    from PIL.ImageFont import FreeTypeFont

LEAST, LARGEST = 128, 512  # pixels of an image's longer side; LEAST only by a whole factor
GAP, MARGIN = 0.04, 0.1  # of a picture's width
POINTS = 6.5  # size of text in a picture of TEXT_WIDTH inches
SMALLEST = 13  # pixels of text, however small the picture
LINE = 1.25  # line height in font sizes
LABEL = 1.3  # widest label of a row, in widths of an image
LINES = 8  # of a prompt at most


def comparison(path: Path, key: str, rows: list[tuple[str, ndarray]], prompts: list[str]) -> None:
    """Write a PNG with one line per row, its label on the left and the prompts above.

    rows: (label, images uint8 (n, H, W, 3)), of the same n, H and W.
    prompts: the n texts; what does not fit in `LINES` lines above an image ends in an ellipsis.
    """
    from PIL import Image, ImageDraw
    from PIL.PngImagePlugin import PngInfo

    tall, wide = shown_size(*rows[0][1].shape[1:3])
    gap, margin = max(4, round(GAP * wide)), max(8, round(MARGIN * wide))
    about = 2 * margin + round(LABEL * wide) + len(prompts) * (wide + gap)
    font = load_font(max(SMALLEST, round(about * POINTS / 72 / TEXT_WIDTH)))
    step = LINE * font.size
    labels = [wrapped(label, font, round(LABEL * wide)) for label, _ in rows]
    texts = [cut(wrapped(prompt, font, wide), font, wide) for prompt in prompts]
    left = margin + max(_width(lines, font) for lines in labels) + margin
    top = margin + round(step * max(map(len, texts))) + gap
    heights = [max(tall, round(step * len(lines))) for lines in labels]
    width = left + len(prompts) * (wide + gap) - gap + margin
    height = top + sum(heights) + gap * (len(rows) - 1) + margin
    canvas = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(canvas)

    def write(lines: list[str], x: float, y: float, anchor: str) -> None:
        for number, line in enumerate(lines):
            draw.text((x, y + number * step), line, INK, font, anchor)

    places = [left + i * (wide + gap) for i in range(len(prompts))]
    for place, lines in zip(places, texts, strict=True):
        write(lines, place + wide / 2, top - gap - step * len(lines), "ma")
    y = top
    for lines, own, (_, images) in zip(labels, heights, rows, strict=True):
        write(lines, margin, y + (own - step * len(lines)) / 2, "la")
        for place, image in zip(places, images, strict=True):
            canvas.paste(resized(Image.fromarray(image), (wide, tall)), (place, y))
        y += own + gap
    info = PngInfo()
    info.add_text("w2s-key", key)
    with replacing(path) as scratch:
        canvas.save(scratch, format="png", pnginfo=info, optimize=True)


def shown_size(height: int, width: int) -> tuple[int, int]:
    """Height and width in which images of this size are shown."""
    longest = max(height, width)
    if longest < LEAST:
        factor = -(-LEAST // longest)
        return factor * height, factor * width
    share = min(1, LARGEST / longest)
    return max(1, round(share * height)), max(1, round(share * width))


def wrapped(text: str, font: FreeTypeFont, width: int) -> list[str]:
    """Lines of at most `width` pixels, broken at spaces, and inside of words that are wider.

    What an equals sign joins stays in one line.
    """
    lines = [""]
    for word in " ".join(text.split()).replace(" = ", "\xa0=\xa0").split(" "):
        if lines[-1] and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > width:
                lines.append("")
            lines[-1] += letter
    return lines


def cut(lines: list[str], font: FreeTypeFont, width: int) -> list[str]:
    """The first `LINES` lines; an ellipsis at the end stands for what is left out."""
    if len(lines) <= LINES:
        return lines
    last = lines[LINES - 1]
    while last and font.getlength(f"{last}…") > width:
        last = last[:-1]
    return [*lines[: LINES - 1], f"{last.rstrip()}…"]


def _width(lines: list[str], font: FreeTypeFont) -> int:
    return max(round(font.getlength(line)) for line in lines)

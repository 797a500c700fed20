"""Files of prompts: one a line, JSON lines, or COCO's captions.

What all of them have in common: UTF-8, a byte order mark at the start left out; white space at
both ends of a prompt taken off, and nothing else changed (no Unicode normalisation, any length:
what a tokenizer cuts off is its business); prompts that are empty then left out and counted;
equal prompts kept.

- `text`: a prompt a line.  Lines end in LF, CR LF or CR, and nowhere else.
- `jsonl`: an object a line; its `prompt`, else its `caption`, and no other key of it.
- `coco`: one object; of its `annotations` the one with the lowest `id` for each `image_id` counts,
  the images ascending.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from w2s.errors import UserError

FORMATS = ("text", "jsonl", "coco")
BY_SUFFIX = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "coco"}
KEYS = ("prompt", "caption")
EMPTY, FURTHER = "empty", "further captions of an image"  # why a text is left out


class Prompt(NamedTuple):
    """A text as it is used, and the image that it is about if the file names one."""

    text: str
    image: int | None = None


def format_of(path: Path) -> str:
    """The format that a file's name says: `text` unless it ends in .jsonl, .ndjson or .json."""
    return BY_SUFFIX.get(path.suffix.lower(), "text")


def read_file(path: Path, form: str) -> tuple[list[Prompt], dict[str, int]]:
    """All prompts of a file in one of the `FORMATS`, and how many texts were left out, and why.

    Raises UserError, naming the line, for a file that is absent, not UTF-8 or of another shape.
    """
    text = _decoded(path)
    read = {"text": _lines, "jsonl": _objects, "coco": _captions}[form]
    found = [Prompt(prompt.text.strip(), prompt.image) for prompt in read(path, text)]
    kept = [prompt for prompt in found if prompt.text]
    left_out = {EMPTY: len(found) - len(kept)}
    if form == "coco":
        first = {prompt.image: prompt for prompt in reversed(kept)}  # they come by id
        left_out[FURTHER] = len(kept) - len(first)
        kept = [first[image] for image in sorted(first)]
    for prompt in kept:
        _refuse_halves(path, prompt.text)
    return kept, left_out


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"the prompts {path} cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UserError(f"{path}: line {line} is not UTF-8; save the file as UTF-8") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise UserError(f"{path}: line {line} holds a NUL character; save the file as UTF-8")
    return text


def _split(text: str) -> list[str]:
    """Lines without their ends; the end of the last one is not the start of another."""
    lines = re.split(r"\r\n|\n|\r", text)
    return lines if lines[-1] else lines[:-1]


def _lines(path: Path, text: str) -> Iterator[Prompt]:
    for number, line in enumerate(_split(text), 1):
        if number == 1 and re.match(r'\s*\{\s*"', line):
            raise UserError(
                f"{path}: line 1 begins like JSON and the file is read as text; name it .jsonl or "
                ".json if that is what it is"
            )
        yield Prompt(line)


def _objects(path: Path, text: str) -> Iterator[Prompt]:
    for number, line in enumerate(_split(text), 1):
        if not line.strip():
            yield Prompt("")
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: line {number} is not JSON: {error}") from None
        found = [entry[key] for key in KEYS if key in entry] if isinstance(entry, dict) else []
        if not found or not isinstance(found[0], str):
            raise UserError(
                f'{path}: line {number} must be an object with a text under "prompt" or "caption"'
            )
        yield Prompt(found[0])


def _captions(path: Path, text: str) -> Iterator[Prompt]:
    """Captions by the ids of their annotations."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON: {error}") from None
    entries = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise UserError(
            f'{path} must be COCO\'s captions, an object with a list under "annotations"; name a '
            "file with an object a line .jsonl"
        )
    kinds = {"id": int, "image_id": int, "caption": str}
    for number, entry in enumerate(entries):
        fits = isinstance(entry, dict) and all(type(entry.get(k)) is t for k, t in kinds.items())
        if not fits:
            raise UserError(
                f"{path}: annotations[{number}] must have numbers under id and image_id and a "
                "text under caption"
            )
    for entry in sorted(entries, key=lambda entry: entry["id"]):
        yield Prompt(entry["caption"], entry["image_id"])


def _refuse_halves(path: Path, text: str) -> None:
    """Only JSON can spell half of a surrogate pair, which no encoding can write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{path}: the prompt {ascii(text)[:60]} holds half of a surrogate pair; write the "
            "character itself"
        ) from None

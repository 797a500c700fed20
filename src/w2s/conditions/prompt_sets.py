"""Sets of prompts: which of a file's prompts a study uses, and what tells each of them apart."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from w2s.conditions.prompt_files import FORMATS, Prompt, format_of, read_file
from w2s.data.attributes import read_attributes
from w2s.errors import UserError
from w2s.files import write_json
from w2s.job import Job
from w2s.strict import did_you_mean

COCO_1K = {"kind": "coco", "count": 1000, "seed": 0}  # of captions_val2014.json or val2017's
FILE = "prompts.json"
EQUAL = "captions that another image has too"  # why a text is left out


@dataclass(frozen=True)
class PromptSet:
    """Prompts in their order, as they are used."""

    texts: tuple[str, ...]
    left_out: dict[str, int]  # how many texts of the file are not used, and why

    @property
    def sha256(self) -> str:
        """The hash of what is used: of the texts as a JSON list in UTF-8."""
        return hashlib.sha256(json.dumps(self.texts, ensure_ascii=False).encode()).hexdigest()


def text_hash(text: str) -> str:
    """What a prompt is known by: the first 32 hexadecimal digits of the SHA-256 of its UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def identities(texts: Sequence[str]) -> list[tuple[str, int]]:
    """Of each prompt its hash and its copy: how many equal ones come before it."""
    seen: Counter[str] = Counter()
    found = []
    for text in texts:
        found.append((text_hash(text), seen[text]))
        seen[text] += 1
    return found


def read_prompts(
    path: Path, kind: str | None = None, count: int | None = None, seed: int | None = None
) -> PromptSet:
    """The prompts of a file, or a part of them.

    kind: the format, see `prompt_files`; what the file's name says if None.
    count: use only so many, the first ones; all if None.
    seed: put the prompts into another order before: by the SHA-256 of "<seed> <image id>" of
        COCO's captions, of "<seed> <hash> <copy>" of others.  So a larger count goes on where a
        smaller one ends, and adding prompts to a file leaves the order of the others.

    Raises UserError, naming the line where there is one, for a file that does not fit, that holds
    no prompt, or that holds fewer than `count`.
    """
    kind = kind or format_of(path)
    if kind not in FORMATS:
        raise UserError(f"prompts of kind '{kind}': {did_you_mean(kind, FORMATS)}")
    prompts, left_out = read_file(path, kind)
    if not prompts:
        raise UserError(f"{path} holds no prompt: write one to it, or name another file")
    return _chosen(prompts, left_out, count, seed, f"{path}")


def captions_of(index: Path, count: int | None = None, seed: int | None = None) -> PromptSet:
    """The distinct captions of an index's images in alphabetical order, or a part of them.

    count, seed: as of `read_prompts`.  Raises UserError where there are no captions, or fewer.
    """
    captions = [row["caption"] for row in read_attributes(index)]
    prompts = [Prompt(text) for text in sorted(set(captions))]
    left_out = {EQUAL: len(captions) - len(prompts)}
    return _chosen(prompts, left_out, count, seed, "the data set")


def _chosen(
    prompts: list[Prompt], left_out: dict[str, int], count: int | None, seed: int | None, where: str
) -> PromptSet:
    if count is not None and count > len(prompts):
        raise UserError(
            f"{count} prompts are asked for and {where} holds {len(prompts)}: lower the count"
        )
    if seed is not None:
        prompts = _shuffled(prompts, seed)
    texts = tuple(prompt.text for prompt in prompts[:count])
    if len(texts) < len(prompts):
        left_out = left_out | {"beyond the count": len(prompts) - len(texts)}
    return PromptSet(texts, {why: number for why, number in left_out.items() if number})


def _shuffled(prompts: list[Prompt], seed: int) -> list[Prompt]:
    ids = identities([prompt.text for prompt in prompts])
    names = [
        f"{digest} {copy}" if prompt.image is None else str(prompt.image)
        for prompt, (digest, copy) in zip(prompts, ids, strict=True)
    ]
    order = [hashlib.sha256(f"{seed} {name}".encode()).digest() for name in names]
    return [prompt for _, prompt in sorted(zip(order, prompts, strict=True))]


def build(job: Job) -> dict:
    """Kind `prompts`: write prompts.json, the texts in order with their hash and what was left out.

    Spec: fingerprint, of what the file holds; kind, count and seed, as of `read_prompts`.  The
    file is job.local["path"].  Or, with parent index in its place, count and seed alone: then they
    are the captions of a data set.
    """
    spec = job.spec
    if "index" in job.parents:
        chosen = captions_of(job.parent("index"), spec["count"], spec["seed"])
        source = {}
    else:
        path = Path(job.local["path"])
        chosen = read_prompts(path, spec["kind"], spec["count"], spec["seed"])
        source = {"fingerprint": spec["fingerprint"], "file": path.name}
    facts = {"sha256": chosen.sha256, "left_out": chosen.left_out}
    write_json(job.out / FILE, {"texts": chosen.texts} | facts | source)
    return facts | {"prompts": len(chosen.texts)}

"""Prompts as conditions: rows of a table of embeddings, and the samples that are drawn of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from w2s.conditions.base import Condition
from w2s.conditions.prompt_sets import identities
from w2s.errors import UserError
from w2s.streams import Sample

TEXT, POOLED, FACTS = "text.npy", "pooled.npy", "embeddings.json"


def prompt_samples(texts: Sequence[str], seeds: Sequence[int], per_prompt: int = 1) -> list[Sample]:
    """What tells each image of a set of prompts apart: by seed, then prompt, then image.

    It is (seed, hash of the text, copy, image): adding, dropping or reordering prompts leaves that
    of all others.
    """
    places = range(len(seeds) * len(texts) * per_prompt)
    return _samples(identities(texts), seeds, per_prompt, places)


def _samples(ids, seeds, per_prompt, places) -> list[Sample]:
    each = len(ids) * per_prompt
    return [
        (seeds[place // each], *ids[place % each // per_prompt], place % per_prompt)
        for place in places
    ]


@dataclass(frozen=True, eq=False)
class Prompts:
    """Rows of memory-mapped tables: one for each distinct text, the last the negative prompt."""

    ids: tuple[tuple[str, int], ...]  # of each prompt its text's hash and copy
    rows: dict[str, int]  # of each text's hash
    text: np.ndarray  # (R + 1, L, E)
    pooled: np.ndarray  # (R + 1, P)
    seeds: tuple[int, ...]
    per_prompt: int

    @classmethod
    def read(
        cls, folder: Path, seeds: tuple[int, ...], prompts: int | None, per_prompt: int
    ) -> Prompts:
        """The embeddings of an `embeddings` node.

        Raises UserError unless they are of so many prompts; None takes any number.
        """
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        ids = tuple(zip(facts["hashes"], facts["copies"], strict=True))
        if prompts is not None and len(ids) != prompts:
            raise UserError(
                f"{folder} holds the embeddings of {len(ids)} prompts and {prompts} are to be "
                "drawn: the prompts have changed since the plan was made; run it again"
            )
        rows = dict(zip(facts["hashes"], facts["rows"], strict=True))
        text, pooled = (np.load(folder / name, mmap_mode="r") for name in (TEXT, POOLED))
        return cls(ids, rows, text, pooled, seeds, per_prompt)

    @classmethod
    def table(cls, folder: Path) -> Prompts:
        """The rows of an `embeddings` node alone, of which no samples are drawn."""
        return cls.read(folder, (), None, 0)

    @property
    def use(self) -> dict:
        """How many tokens of text a network reads."""
        return {"text_tokens": self.text.shape[1]}

    def __len__(self) -> int:
        return len(self.seeds) * len(self.ids) * self.per_prompt

    def samples(self, places: Iterable[int]) -> list[Sample]:
        """As `prompt_samples` says, by seed, then prompt, then image."""
        return _samples(self.ids, self.seeds, self.per_prompt, places)

    def numbers(self, samples: Sequence[Sample]) -> Tensor:
        """The row (N,) int64 of each sample's text."""
        return torch.tensor([self.rows[digest] for _, digest, *_ in samples])

    def condition(self, numbers: Tensor) -> Condition:
        """Text (N, L, E) and pooled vectors (N, P) in float32; null are those of the last row."""
        rows, device = numbers.cpu().numpy(), numbers.device

        def taken(rows: np.ndarray) -> tuple[Tensor, ...]:
            tables = (self.text[rows], self.pooled[rows])
            return tuple(torch.from_numpy(t.astype(np.float32)).to(device) for t in tables)

        return Condition(taken(rows), taken(np.full(len(rows), len(self.text) - 1)))

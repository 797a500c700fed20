"""What images are drawn of: embeddings of prompts and of what stands for none, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from w2s.conditions.base import Condition
from w2s.conditions.prompts import prompt_samples
from w2s.errors import UserError
from w2s.pipelines.encoding import encode, length_of
from w2s.pipelines.folder import MOST_TEXT_TOKENS
from w2s.streams import Sample

Embeddings = tuple[Tensor | None, Tensor | None]  # text (n, L, E) and pooled (n, P)


@dataclass(frozen=True)
class Given:
    """Prompts as a transformer takes them."""

    embeds: tuple[Tensor, Tensor]  # text (p, L, E) and pooled (p, P)
    negative: tuple[Tensor, Tensor]  # the same, or of one row for all prompts
    texts: tuple[str, ...] | None  # None where only embeddings are known
    truncated: list[dict[str, int]]  # tokens cut off each prompt, by encoder if any

    def __len__(self) -> int:
        return len(self.embeds[0])

    def condition(self, numbers: Tensor) -> Condition:
        """The prompts with these numbers (n,), and what stands for none."""
        shared = len(self.negative[0]) == 1
        null = torch.zeros_like(numbers) if shared else numbers
        return Condition(
            tuple(rows[numbers] for rows in self.embeds),
            tuple(rows[null] for rows in self.negative),
        )

    def moved(self, device: torch.device) -> Given:
        """The same on a device."""
        pairs = (tuple(t.to(device) for t in pair) for pair in (self.embeds, self.negative))
        return Given(*pairs, self.texts, self.truncated)

    def samples(self, seed: int, each: int) -> list[Sample]:
        """What the noise of each prompt's images depends on, by prompt and then by image.

        Without texts it is the number of the prompt's row in their place.
        """
        if self.texts is not None:
            return prompt_samples(self.texts, [seed], each)
        return [(seed, row, image) for row in range(len(self)) for image in range(each)]


def given_of(
    pipe: Any,
    prompts: str | Sequence[str] | None,
    negative_prompt: str | Sequence[str],
    embeds: Embeddings,
    negative: Embeddings,
    needs_null: bool,
    max_sequence_length: int | None,
) -> Given:
    """Prompts encoded, or embeddings as they are: what a user gives one of.

    Raises UserError where it is both or neither, and as the two ways do.
    """
    if prompts is None and all(value is None for value in embeds):
        raise UserError("give prompts, or prompt_embeds and pooled_prompt_embeds")
    if prompts is None:
        return from_embeddings(pipe.transformer.config, embeds, negative, needs_null)
    if any(value is not None for value in (*embeds, *negative)):
        raise UserError("give either prompts or embeddings, of the negative prompt as well")
    return from_prompts(pipe, prompts, negative_prompt, needs_null, max_sequence_length)


def from_prompts(
    pipe: Any,
    prompts: str | Sequence[str],
    negative: str | Sequence[str] = "",
    needs_null: bool = True,
    max_sequence_length: int | None = None,
    **how: Any,
) -> Given:
    """Prompts encoded by a pipeline, on the device of its text encoders.

    negative: for all prompts, or one for each; encoded only if the guidance needs it.
    how: as `encode` takes it.

    Raises UserError where the pipeline cannot encode, or the texts do not fit together.
    """
    if getattr(pipe, "text_encoder", None) is None:
        raise UserError("the pipeline has no text encoders: give prompt_embeds instead of prompts")
    texts = (prompts,) if isinstance(prompts, str) else tuple(prompts)
    negatives = (negative,) if isinstance(negative, str) else tuple(negative)
    if not texts:
        raise UserError("there are no prompts: give at least one")
    if not all(isinstance(text, str) for text in (*texts, *negatives)):
        raise UserError("prompts and negative prompts must be text")
    if len(negatives) not in (1, len(texts)):
        raise UserError(
            f"there are {len(negatives)} negative prompts for {len(texts)} prompts: give one for "
            "all, or one for each"
        )
    length = length_of(pipe, max_sequence_length)
    if not 1 <= length <= MOST_TEXT_TOKENS:
        raise UserError(f"max_sequence_length is {length}: it is 1 to {MOST_TEXT_TOKENS}")
    found = encode(pipe, (*texts, *(negatives if needs_null else ())), length, **how)
    embeds, count = (found.text, found.pooled), len(texts)
    prompted = tuple(rows[:count] for rows in embeds)
    null = tuple(rows[count:] for rows in embeds) if needs_null else prompted
    return Given(prompted, null, texts, found.truncated[:count])


def from_embeddings(
    config: Any, embeds: Embeddings, negative: Embeddings, needs_null: bool
) -> Given:
    """Embeddings as they are given.

    config: the transformer's.  Raises UserError for what is missing or has another shape.
    """
    _check("prompt_embeds", "pooled_prompt_embeds", embeds, config)
    count = len(embeds[0])
    if all(value is None for value in negative):
        if needs_null:
            raise UserError(
                "the guidance extrapolates from the negative prompt: give negative_prompt_embeds "
                "and negative_pooled_prompt_embeds, those of the empty prompt for none"
            )
        negative = embeds
    _check("negative_prompt_embeds", "negative_pooled_prompt_embeds", negative, config)
    if len(negative[0]) not in (1, count):
        raise UserError(
            f"negative_prompt_embeds has {len(negative[0])} rows and prompt_embeds {count}: give "
            "one for all, or one for each"
        )
    return Given(embeds, negative, None, [])


def _check(text_name: str, pooled_name: str, pair: Embeddings, config: Any) -> None:
    text, pooled = pair
    for name, value in ((text_name, text), (pooled_name, pooled)):
        if value is None:
            raise UserError(f"{name} is missing: text and pooled embeddings go together")
    wide, deep = config.joint_attention_dim, config.pooled_projection_dim
    if text.ndim != 3 or text.shape[2] != wide or pooled.shape != (len(text), deep):
        raise UserError(
            f"{text_name} is {tuple(text.shape)} and {pooled_name} {tuple(pooled.shape)}: they "
            f"must be (n, tokens, {wide}) and (n, {deep})"
        )

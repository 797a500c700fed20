"""Prompts as the text encoders of an SD3 pipeline see them, each distinct one encoded once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from w2s.pipelines.folder import text_length

if TYPE_CHECKING:  # importing diffusers takes ten seconds
    from diffusers import StableDiffusion3Pipeline


class Encoded(NamedTuple):
    """Embeddings of prompts, in their order."""

    text: Tensor  # (n, L, E): CLIP's tokens, then T5's or as many zeros
    pooled: Tensor  # (n, P)
    truncated: list[dict[str, int]]  # tokens cut off each prompt, by encoder (clip, t5) if any


def length_of(pipe: StableDiffusion3Pipeline, asked: int | None = None) -> int:
    """Tokens of the T5 part of a prompt: as asked for, else as the model says, else 256."""
    if asked is not None:
        return asked
    config = pipe.transformer.config
    known = {"text_tokens": config.text_tokens} if hasattr(config, "text_tokens") else {}
    return text_length(known, pipe.tokenizer_max_length)


@torch.no_grad()
def encode(
    pipe: StableDiffusion3Pipeline,
    texts: Sequence[str],
    max_sequence_length: int,
    batch: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Encoded:
    """Embeddings by the pipeline's own `encode_prompt`, on the device of its text encoders.

    max_sequence_length: tokens of the T5 part; without a T5 they are zeros, and still go in.
    batch: prompts per forward; the last batch is filled up, so that no prompt's embedding depends
        on how many others there are.
    progress: called with the number of distinct prompts done.
    """
    distinct = list(dict.fromkeys(texts))
    parts = []
    for first in range(0, len(distinct), batch):
        here = distinct[first : first + batch]
        text, _, pooled, _ = pipe.encode_prompt(
            here + here[-1:] * (batch - len(here)),
            None,
            None,
            device=pipe.text_encoder.device,
            do_classifier_free_guidance=False,
            max_sequence_length=max_sequence_length,
        )
        parts.append((text[: len(here)], pooled[: len(here)]))
        if progress:
            progress(first + len(here))
    rows = [distinct.index(text) for text in texts] if len(distinct) < len(texts) else slice(None)
    text, pooled = (torch.cat(part)[rows] for part in zip(*parts, strict=True))
    return Encoded(text, pooled, [tokens_cut(pipe, text, max_sequence_length) for text in texts])


def tokens_cut(
    pipe: StableDiffusion3Pipeline, text: str, max_sequence_length: int
) -> dict[str, int]:
    """How many of a prompt's tokens each encoder does not see: of clip, the larger of the two."""
    most = {
        "clip": ((pipe.tokenizer, pipe.tokenizer_2), pipe.tokenizer_max_length),
        "t5": ((pipe.tokenizer_3,), max_sequence_length),
    }
    cut = {
        name: max(len(words(text).input_ids) - length for words in tokenizers if words is not None)
        for name, (tokenizers, length) in most.items()
        if any(words is not None for words in tokenizers)
    }
    return {name: count for name, count in cut.items() if count > 0}

"""The language of the miniature world: its captions, and a tokenizer that knows their words."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING

from w2s.world.scenes import BACKGROUNDS, CAPTION, COLOURS, RADII, SHAPES, TEXTURES

if TYPE_CHECKING:  # importing transformers takes seconds
    from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
SUFFIX = "</w>"  # of the last piece of a word, as in CLIP's vocabulary
LENGTH = 8  # tokens of a caption: its six words between start and end


def meanings() -> dict[str, dict[str, str]]:
    """What every caption there is says of each attribute, shapes varying slowest."""
    names = ("shape", "colour", "texture", "background", "size")
    values = product(SHAPES, COLOURS, TEXTURES, BACKGROUNDS, RADII)
    said = [dict(zip(names, one, strict=True)) for one in values]
    return {CAPTION.format(**one): one for one in said}


def captions() -> list[str]:
    """Every caption there is, shapes varying slowest."""
    return list(meanings())


def distinct_captions(count: int) -> int:
    """How many captions a world of so many images has: none twice before each was there."""
    return min(count, len(captions()))


def tokenizer(texts: Iterable[str]) -> CLIPTokenizer:
    """A CLIP tokenizer with byte-pair merges trained until every word of `texts` is one token.

    Other words are spelled in their letters.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    texts = list(texts)
    words = {word for text in texts for word in text.split()}
    bpe = Tokenizer(models.BPE(end_of_word_suffix=SUFFIX))
    bpe.pre_tokenizer = pre_tokenizers.Whitespace()
    alphabet = sorted({*string.ascii_lowercase, *string.digits, *"".join(words)})
    longest = 2 * len(alphabet) + sum(map(len, words))  # each merge makes a piece of some word
    trainer = trainers.BpeTrainer(
        vocab_size=longest,
        min_frequency=1,
        initial_alphabet=alphabet,
        end_of_word_suffix=SUFFIX,
        show_progress=False,
    )
    bpe.train_from_iterator([f"{text} {' '.join(alphabet)}" for text in texts], trainer)
    learnt = json.loads(bpe.to_str())["model"]
    pieces = sorted(learnt["vocab"], key=learnt["vocab"].get)
    return CLIPTokenizer(
        vocab={piece: i for i, piece in enumerate([*pieces, START, END])},
        merges=[tuple(merge) for merge in learnt["merges"]],
        model_max_length=LENGTH,
        bos_token=START,
        eos_token=END,
        pad_token=END,
        unk_token=END,
    )

"""Kind `towers`: tokenizers and frozen text towers for the miniature's SD3, in a pipeline's layout.

The towers are never trained: random ones with token embeddings of deviation 1 tell the world's
captions apart, and the transformer learns to read them.
"""

from __future__ import annotations

import torch

from w2s.job import Job
from w2s.world.words import LENGTH, captions, tokenizer

HEADS = 2
TOWERS = ("text_encoder", "text_encoder_2")
SECOND = 1000  # added to the seed for the second tower


def build(job: Job) -> None:
    """Write tokenizer/, tokenizer_2/, text_encoder/ and text_encoder_2/.

    Spec: width (of each tower), layers, seed.
    """
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    spec, words = job.spec, tokenizer(captions())
    for number, name in enumerate(TOWERS):
        torch.manual_seed(spec["seed"] + number * SECOND)
        config = CLIPTextConfig(
            vocab_size=len(words),
            hidden_size=spec["width"],
            projection_dim=spec["width"],
            intermediate_size=4 * spec["width"],
            num_hidden_layers=spec["layers"],
            num_attention_heads=HEADS,
            max_position_embeddings=LENGTH,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            pad_token_id=words.pad_token_id,
        )
        tower = CLIPTextModelWithProjection(config)
        torch.nn.init.normal_(tower.text_model.embeddings.token_embedding.weight)
        tower.save_pretrained(job.out / name)
        words.save_pretrained(job.out / name.replace("text_encoder", "tokenizer"))

"""The weights of DiT's release (arXiv 2212.09748) under the names of diffusers' transformer.

The release embeds time and class once, and diffusers anew in every block.  Its time embedding has
other frequencies than diffusers' class takes by itself, and its norms another epsilon: the
configuration says so, and what is predicted is what the release predicts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from w2s.errors import UserError
from w2s.models.dit import BLOCKS, CLASSES
from w2s.models.sit_network import position_embedding
from w2s.models.vp import Schedule

TOP = {
    "x_embedder.proj": "pos_embed.proj",
    "final_layer.adaLN_modulation.1": "proj_out_1",
    "final_layer.linear": "proj_out_2",
}
EMBEDDINGS = {  # that each block has a copy of
    "t_embedder.mlp.0": "timestep_embedder.linear_1",
    "t_embedder.mlp.2": "timestep_embedder.linear_2",
    "y_embedder.embedding_table": "class_embedder.embedding_table",
}
IN_BLOCK = {
    "adaLN_modulation.1": "norm1.linear",
    "attn.proj": "attn1.to_out.0",
    "mlp.fc1": "ff.net.0.proj",
    "mlp.fc2": "ff.net.2",
}
EPSILON = 1e-6  # of the release's norms


def configuration(measured: Mapping, outputs: int, said: Mapping) -> dict:
    """The configuration, given the numbers that the weights' shapes tell.

    outputs: rows of the last layer; said: of the noise schedule, which no file of weights tells,
    DiT's own unless there is another.
    """
    return {
        "kind": "dit",
        "num_attention_heads": measured["num_heads"],
        "attention_head_dim": measured["hidden_size"] // measured["num_heads"],
        "in_channels": measured["in_channels"],
        "out_channels": outputs // measured["patch_size"] ** 2,
        "num_layers": measured["depth"],
        "sample_size": measured["input_size"],
        "patch_size": measured["patch_size"],
        "num_embeds_ada_norm": measured["num_classes"],
        "norm_eps": EPSILON,
        "downscale_freq_shift": 0,
        "schedule": said.get("schedule", Schedule().model_dump()),
    }


def converted(weights: Mapping[str, Tensor], config: Mapping) -> dict[str, Tensor]:
    """The weights under the names of `models.dit_network`; an unknown name stays as it is.

    Raises UserError for positions that are not the fixed ones, which diffusers' class computes.
    """
    grid = config["sample_size"] // config["patch_size"]
    width = config["num_attention_heads"] * config["attention_head_dim"]
    found = weights["pos_embed"].float()
    fixed = position_embedding(width, grid)
    if found.shape != fixed.shape or not torch.allclose(found, fixed, atol=1e-4):
        raise UserError(
            f"pos_embed is not the fixed embedding of positions, which {CLASSES[0]} has"
        )
    return {
        f"{new}.{end}" if end else new: part.clone()
        for name, value in weights.items()
        if name != "pos_embed"
        for new, part, end in _places(name, value, config["num_layers"])
    }


def _places(name: str, value: Tensor, depth: int) -> Iterator[tuple[str, Tensor, str]]:
    """Where a tensor of the release goes: module, the part of the tensor, weight or bias."""
    module, _, end = name.rpartition(".")
    if module in TOP:
        yield "transformer." + TOP[module], value, end
    elif module in EMBEDDINGS:
        for i in range(depth):
            yield f"{BLOCKS}{i}.norm1.emb.{EMBEDDINGS[module]}", value, end
    elif module.startswith("blocks."):
        _, block, inside = module.split(".", 2)
        if inside == "attn.qkv":
            for letter, part in zip("qkv", value.chunk(3), strict=True):
                yield f"{BLOCKS}{block}.attn1.to_{letter}", part, end
        else:
            yield f"{BLOCKS}{block}.{IN_BLOCK.get(inside, inside)}", value, end
    else:
        yield name, value, ""

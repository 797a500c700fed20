"""SD3 and SD3.5 (MMDiT, arXiv 2403.03206) as a family, in diffusers' configuration.

Its configurations are the arguments of diffusers' SD3Transformer2DModel with `kind: sd3`; beside
them `latents` (C, H, W) and `text_tokens` may say what it is used for, which its work depends on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from w2s.errors import UserError
from w2s.models.backbone import Family, NetworkParams, Shape, WeakPart, renumbered

_MEDIUM = {
    "patch_size": 2,
    "in_channels": 16,
    "out_channels": 16,
    "num_layers": 24,
    "attention_head_dim": 64,
    "num_attention_heads": 24,
    "joint_attention_dim": 4096,
    "caption_projection_dim": 1536,
    "pooled_projection_dim": 2048,
    "sample_size": 128,
    "pos_embed_max_size": 192,
    "dual_attention_layers": [],
    "qk_norm": None,
}
PUBLISHED = {  # transformer/config.json of the released folders
    "sd3-medium": _MEDIUM,
    "sd3.5-medium": _MEDIUM
    | {
        "pos_embed_max_size": 384,
        "dual_attention_layers": list(range(13)),
        "qk_norm": "rms_norm",
    },
    "sd3.5-large": _MEDIUM
    | {
        "num_layers": 38,
        "num_attention_heads": 38,
        "caption_projection_dim": 2432,
        "qk_norm": "rms_norm",
    },
}
USE = ("latents", "text_tokens")  # entries of a configuration that build nothing
TEXT_TOKENS = 77 + 256  # of the CLIP towers, and of T5 as the pipeline asks for


class SD3Params(NetworkParams):
    """An SD3 that is trained on captions, in a part with images of prompts."""

    kind: Literal["sd3"] = "sd3"
    """The kind of network."""
    depth: PositiveInt
    """Transformer blocks."""
    heads: PositiveInt
    """Attention heads."""
    head_width: PositiveInt = 64
    """Width of a head."""
    patch: PositiveInt
    """Latent pixels per token along one side."""
    dual: Annotated[int, Field(ge=0)] = 0
    """Blocks with a second attention, the first ones."""

    def config(self, latents: tuple[int, int, int], classes: int) -> dict:
        """But for what it reads of prompts, which `reading` adds."""
        channels, side, _ = latents
        return {
            "kind": "sd3",
            "sample_size": side,
            "patch_size": self.patch,
            "in_channels": channels,
            "out_channels": channels,
            "num_layers": self.depth,
            "attention_head_dim": self.head_width,
            "num_attention_heads": self.heads,
            "caption_projection_dim": self.heads * self.head_width,
            "pos_embed_max_size": side // self.patch,
            "dual_attention_layers": list(range(self.dual)),
            "qk_norm": None,
        }

    def mistakes(self, latents: tuple[int, int, int]) -> Iterator[tuple[str, str]]:
        if latents[1] % self.patch:
            yield "patch", f"must divide the latents' {latents[1]} pixels a side"
        if self.dual > self.depth:
            yield "dual", f"must be at most the depth of {self.depth} blocks"


def reading(tokens: int, text: int, pooled: int) -> dict:
    """Entries of a configuration: how many tokens a prompt has, their width, and the vector's."""
    return {"joint_attention_dim": text, "pooled_projection_dim": pooled, "text_tokens": tokens}


class SD3Family(Family):
    """Dual-stream transformers that are conditioned by a prompt's tokens and pooled vectors."""

    name = "sd3"
    condition = "prompts"
    params = None  # in a part with pictures; `SD3Params` is for one with images of prompts

    def shape(self, config: Mapping) -> Shape:
        """Counted are linear layers, attention and modulation of both streams' blocks.

        The second attention of SD3.5-medium's first blocks counts, and so does what the last
        block leaves out: it gives no text.
        """
        _, height, width = self.latents(config)
        image = (height // config["patch_size"]) * (width // config["patch_size"])
        text = config.get("text_tokens", TEXT_TOKENS)
        depth, wide = config["num_layers"], _width(config)
        second = 4 * image * wide**2 + 2 * image**2 * wide + 3 * wide**2
        streams = 12 * (image + text) * wide**2 + 2 * (image + text) ** 2 * wide + 12 * wide**2
        absent = 9 * text * wide**2 + 4 * wide**2  # of the text after the last attention
        macs = depth * streams + len(config["dual_attention_layers"]) * second - absent
        return Shape(depth, None, macs, image + text)

    def parameters(self, config: Mapping) -> float:
        """Weights of the blocks and embeddings, biases left out."""
        depth, wide = config["num_layers"], _width(config)
        blocks = (depth * 36 + len(config["dual_attention_layers"]) * 7 - 13) * wide**2
        position = config["pos_embed_max_size"] ** 2 * wide
        text = (config["joint_attention_dim"] + config["pooled_projection_dim"]) * wide
        return blocks + position + text + 4 * wide**2

    def latents(self, config: Mapping) -> tuple[int, int, int]:
        side = config["sample_size"]
        return tuple(config.get("latents", (config["in_channels"], side, side)))

    def classes(self, config: Mapping) -> int:
        raise UserError("an SD3 is conditioned by prompts and knows no classes")

    def widths(self, config: Mapping) -> tuple[int, int]:
        """Of the prompts' tokens, and of their pooled vectors."""
        return config["joint_attention_dim"], config["pooled_projection_dim"]

    def part_config(self, config: Mapping, part: WeakPart) -> dict:
        if part == "full":
            return dict(config)
        kept = self.kept(config, part)
        if kept[-1:] != [config["num_layers"] - 1]:
            raise UserError(
                "the last block of an SD3 is built unlike the others and cannot be left out of a "
                "network of its own; skip it with skip_layer instead"
            )
        dual = [kept.index(i) for i in config["dual_attention_layers"] if i in kept]
        return dict(config) | {"num_layers": len(kept), "dual_attention_layers": dual}

    def take(self, weights, config, part):
        made = self.part_config(config, part)
        if part == "full":
            return weights, made
        return renumbered(weights, BLOCKS, self.kept(config, part)), made

    def network(self, config: Mapping):
        from w2s.models.sd3_network import SD3

        return SD3.built({k: v for k, v in config.items() if k not in ("kind", *USE)})


BLOCKS = "transformer.transformer_blocks."  # before a block's number in the names of weights


def _width(config: Mapping) -> int:
    return config["num_attention_heads"] * config["attention_head_dim"]

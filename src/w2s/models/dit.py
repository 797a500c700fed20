"""DiT (arXiv 2212.09748) as a family, in diffusers' configuration.

Its configurations are the arguments of diffusers' DiTTransformer2DModel with `kind: dit`; beside
them `schedule` holds the noise levels it was trained on, and `downscale_freq_shift` tells the time
embedding of diffusers (1) from that of the release (0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from w2s.errors import UserError
from w2s.models import vp
from w2s.models.backbone import Family, Grid, Shape, WeakPart, renumbered
from w2s.models.sizes import SizedParams
from w2s.models.vp import Schedule

ARGUMENTS = {  # of DiTTransformer2DModel, with their defaults
    "num_attention_heads": 16,
    "attention_head_dim": 72,
    "in_channels": 4,
    "out_channels": None,
    "num_layers": 28,
    "dropout": 0.0,
    "norm_num_groups": 32,
    "attention_bias": True,
    "sample_size": 32,
    "patch_size": 2,
    "activation_fn": "gelu-approximate",
    "num_embeds_ada_norm": 1000,
    "upcast_attention": False,
    "norm_type": "ada_norm_zero",
    "norm_elementwise_affine": False,
    "norm_eps": 1e-5,
}
CLASSES = ("DiTTransformer2DModel", "Transformer2DModel")  # the second in folders of old
FREQUENCIES = 256  # of the time embedding
BLOCKS = "transformer.transformer_blocks."  # before a block's number in the names of weights


class DiTParams(SizedParams):
    """A DiT, by the numbers or by its published name."""

    trained: ClassVar[bool] = False

    kind: Literal["dit"]
    """The kind of network."""
    learn_sigma: bool = True
    """Whether it predicts the variance of a DDPM step beside the noise, as in its release."""
    schedule: Schedule = Schedule()
    """The noise levels it was trained on."""

    def config(self, latents: tuple[int, int, int], classes: int) -> dict:
        channels, side, _ = latents
        width, depth, heads = self.numbers.values()
        return {
            "kind": "dit",
            "num_attention_heads": heads,
            "attention_head_dim": width // heads,
            "in_channels": channels,
            "out_channels": 2 * channels if self.learn_sigma else channels,
            "num_layers": depth,
            "sample_size": side,
            "patch_size": self.patch,
            "num_embeds_ada_norm": classes,
            "schedule": self.schedule.model_dump(),
        }


class DiTFamily(Family):
    """DiTs, which predict noise in a VP diffusion and are run as velocities of the flow."""

    name = "dit"
    params = DiTParams

    def shape(self, config: Mapping) -> Shape:
        """Counted are linear layers, attention and modulation of the blocks, and the embedding of
        time and class, which each block of diffusers' DiT makes for itself.

        Raises UserError for output channels that are neither noise nor noise and variance.
        """
        tokens, width = (config["sample_size"] // config["patch_size"]) ** 2, _width(config)
        per_token = 12 * width**2 + 2 * tokens * width
        macs = config["num_layers"] * (tokens * per_token + 7 * width**2 + FREQUENCIES * width)
        read = config["in_channels"]
        given = config["out_channels"] or read
        if given not in (read, 2 * read):
            raise UserError(
                f"a DiT on {read} channels gives {read}, or {2 * read} with their variance, and "
                f"not {given}: correct out_channels"
            )
        return Shape(config["num_layers"], None, macs, tokens, variance=given == 2 * read)

    def parameters(self, config: Mapping) -> float:
        """Weights of the blocks and embeddings, biases left out."""
        width, classes = _width(config), config["num_embeds_ada_norm"] + 1
        block = 19 * width**2 + (FREQUENCIES + classes) * width
        return config["num_layers"] * block + 2 * width**2

    def latents(self, config: Mapping) -> tuple[int, int, int]:
        return config["in_channels"], config["sample_size"], config["sample_size"]

    def classes(self, config: Mapping) -> int:
        return config["num_embeds_ada_norm"]

    def part_config(self, config: Mapping, part: WeakPart) -> dict:
        if part == "full":
            return dict(config)
        kept = self.kept(config, part)
        if kept[:1] != [0]:
            raise UserError(
                "the first block of a DiT embeds time and class for the readout too and cannot be "
                "left out of a network of its own; skip it with skip_layer instead"
            )
        return dict(config) | {"num_layers": len(kept)}

    def take(self, weights, config, part):
        made = self.part_config(config, part)
        if part == "full":
            return weights, made
        return renumbered(weights, BLOCKS, self.kept(config, part)), made

    def grid(self, config: Mapping, steps: int) -> Grid:
        """The flow times of the timesteps that its schedule visits in so many steps."""
        return vp.grid(Schedule(**config["schedule"]), steps)

    def network(self, config: Mapping):
        from w2s.models.dit_network import DiT

        return DiT.built(config)


def config_from(transformer: Mapping, scheduler: Mapping) -> dict:
    """The configuration of a folder, given its transformer's config.json and its scheduler's.

    Raises:
        UserError: it is no DiT, or its scheduler is none of discrete noise levels.
    """
    name = transformer.get("_class_name")
    known = {key: transformer.get(key, default) for key, default in ARGUMENTS.items()}
    if name not in CLASSES or known["norm_type"] != "ada_norm_zero":
        raise UserError(f"the transformer is a {name}, and not a {CLASSES[0]}")
    schedule = vp.schedule_from(scheduler).model_dump()
    return {"kind": "dit", **known, "schedule": schedule}


def _width(config: Mapping) -> int:
    return config["num_attention_heads"] * config["attention_head_dim"]

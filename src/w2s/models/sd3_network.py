"""SD3 and SD3.5 as a backbone: diffusers' transformer, driven block by block.

Every part is the transformer's own module, so that what is done to them, such as a LoRA, holds
here.  What is done to its forward pass as a whole does not, and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from diffusers import SD3Transformer2DModel
from torch import Tensor, nn

from w2s.errors import UserError

TIMES = 1000  # its times are t * 1000


class Streams(NamedTuple):
    """A forward pass under way."""

    image: Tensor  # (N, T, D)
    text: Tensor  # (N, L, D); the last block gives none, and leaves what there was
    cond: Tensor  # (N, D), time and pooled prompt
    rows: int  # patches along the height of the latents
    columns: int  # and along their width


class SD3(nn.Module):
    """The velocity ``v(x_t, t, prompt)`` of diffusers' SD3Transformer2DModel."""

    head_at = None

    def __init__(self, transformer: SD3Transformer2DModel):
        """Raises UserError for a transformer whose forward pass is more than its blocks."""
        super().__init__()
        _refuse_what_forward_does(transformer)
        self.transformer = transformer
        self.depth = len(transformer.transformer_blocks)

    @classmethod
    def built(cls, arguments: Mapping) -> SD3:
        """A freshly initialised network."""
        return cls(SD3Transformer2DModel(**arguments))

    @property
    def blocks(self) -> nn.ModuleList:
        """The modules that `block` runs."""
        return self.transformer.transformer_blocks

    def config(self) -> dict:
        """The arguments that build this network, as plain JSON types."""
        known = {k: v for k, v in self.transformer.config.items() if not k.startswith("_")}
        known["dual_attention_layers"] = list(known["dual_attention_layers"])
        return {"kind": "sd3", **known}

    def embed(self, x: Tensor, t: Tensor, text: Tensor, pooled: Tensor) -> Streams:
        """Start a pass: x (N, C, H, W), t (N,) in [0, 1], text (N, L, E), pooled (N, P)."""
        net, patch = self.transformer, self.transformer.config.patch_size
        kind = net.pos_embed.proj.weight.dtype
        return Streams(
            net.pos_embed(x.to(kind)),
            net.context_embedder(text.to(kind)),
            net.time_text_embed(t * TIMES, pooled.to(kind)),
            x.shape[2] // patch,
            x.shape[3] // patch,
        )

    def block(self, i: int, state: Streams) -> Streams:
        """Run block `i`, counted from 0."""
        text, image = self.blocks[i](
            hidden_states=state.image, encoder_hidden_states=state.text, temb=state.cond
        )
        return state._replace(image=image, text=state.text if text is None else text)

    def readout(self, state: Streams) -> Tensor:
        """The velocity (N, C, H, W) after the last block."""
        net, p = self.transformer, self.transformer.config.patch_size
        patches = net.proj_out(net.norm_out(state.image, state.cond))
        n, c = len(patches), net.out_channels
        patches = patches.view(n, state.rows, state.columns, p, p, c)
        return patches.permute(0, 5, 1, 3, 2, 4).reshape(n, c, state.rows * p, state.columns * p)

    def read_head(self, state: Streams) -> Tensor:
        """Raises AttributeError: there is no mid-depth head, as `head_at` says."""
        raise AttributeError("an SD3 has no mid-depth head")


def _refuse_what_forward_does(transformer: nn.Module) -> None:
    """UserError where calling the blocks would not do what calling the transformer does."""
    hooked = transformer._forward_hooks or transformer._forward_pre_hooks
    registry = getattr(transformer, "_diffusers_hook", None)  # stays when its last hook is gone
    if hooked or hasattr(transformer, "_hf_hook") or (registry and registry.hooks):
        raise UserError(
            "the transformer has hooks on its forward pass (offloading, caching or a guider's), "
            "which is never called here: load it without them, and let this project offload"
        )
    if getattr(transformer, "image_proj", None) is not None:
        raise UserError(
            "the transformer has an IP adapter, whose image prompt would be ignored: unload it "
            "with pipe.unload_ip_adapter()"
        )

"""DiT as a backbone: diffusers' transformer, block by block, its noise turned into a velocity.

Everything about VP diffusion is in here and in the grid of the family: whoever calls this network
gives flow states and flow times and gets flow velocities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from diffusers import DiTTransformer2DModel
from torch import Tensor, nn

from w2s.models.vp import Schedule, flow_time, levels

OURS = ("kind", "schedule", "downscale_freq_shift")  # entries of a configuration, not diffusers'


class Noised(NamedTuple):
    """A forward pass under way."""

    tokens: Tensor  # (N, T, D)
    x: Tensor  # (N, C, H, W), the VP state
    timestep: Tensor  # (N,) int64
    label: Tensor  # (N,) int64


class DiT(nn.Module):
    """The velocity ``v(x_t, t, y)`` of diffusers' DiTTransformer2DModel.

    t is taken as the nearest of the times it was trained at.
    """

    head_at = None

    def __init__(
        self, transformer: DiTTransformer2DModel, schedule: Schedule, downscale_freq_shift: int = 1
    ):
        super().__init__()
        self.transformer, self.schedule = transformer, schedule
        self.downscale_freq_shift = downscale_freq_shift
        self.depth = len(transformer.transformer_blocks)
        self.channels = transformer.config.in_channels
        known = levels(schedule)
        # No buffers: those would be rounded along with the weights.
        self.times = torch.tensor([flow_time(level) for level in known])
        self.levels = torch.tensor(known)  # (timesteps, 2)
        for block in transformer.transformer_blocks:
            embedding = block.norm1.emb
            embedding.time_proj.downscale_freq_shift = downscale_freq_shift
            embedding.class_embedder.dropout_prob = 0.0  # whoever trains drops labels

    @classmethod
    def built(cls, config: Mapping) -> DiT:
        """A freshly initialised network."""
        arguments = {key: value for key, value in config.items() if key not in OURS}
        return cls(
            DiTTransformer2DModel(**arguments),
            Schedule(**config["schedule"]),
            config.get("downscale_freq_shift", 1),
        )

    @property
    def blocks(self) -> nn.ModuleList:
        """The modules that `block` runs."""
        return self.transformer.transformer_blocks

    def config(self) -> dict:
        """What builds this network again, in plain JSON types."""
        return {
            "kind": "dit",
            **{k: v for k, v in self.transformer.config.items() if not k.startswith("_")},
            "downscale_freq_shift": self.downscale_freq_shift,
            "schedule": self.schedule.model_dump(),
        }

    def embed(self, x: Tensor, t: Tensor, y: Tensor) -> Noised:
        """Start a pass: x (N, C, H, W), t (N,) in [0, 1], y (N,) int64 up to the null class."""
        times = self.times.to(t.device)
        timestep = (t[:, None] - times).abs().argmin(dim=1)
        signal, noise = self._level(timestep)
        x = x.float() * (signal + noise)
        kind = self.transformer.pos_embed.proj.weight.dtype
        return Noised(self.transformer.pos_embed(x.to(kind)), x, timestep, y)

    def block(self, i: int, state: Noised) -> Noised:
        """Run block `i`, counted from 0."""
        tokens = self.blocks[i](state.tokens, timestep=state.timestep, class_labels=state.label)
        return state._replace(tokens=tokens)

    def readout(self, state: Noised) -> Tensor:
        """The velocity (N, C, H, W) after the last block: ``eps - x_0`` with x_0 from x and eps."""
        predicted, x = self._outputs(state)[:, : self.channels], state.x
        signal, noise = self._level(state.timestep)
        match self.schedule.prediction_type:
            case "epsilon":
                eps = predicted
            case "v_prediction":  # sqrt(abar) eps - sqrt(1 - abar) x_0, arXiv 2202.00512, app. D
                eps = signal * predicted + noise * x
            case "sample":
                eps = (x - signal * predicted) / noise
        return eps * (1 + noise / signal) - x / signal

    def read_variance(self, state: Noised) -> Tensor:
        """The learned range (N, C, H, W) after the last block, -1 the least and 1 the most."""
        return self._outputs(state)[:, self.channels :]

    def read_head(self, state: Noised) -> Tensor:
        """Raises AttributeError: there is no mid-depth head, as `head_at` says."""
        raise AttributeError("a DiT has no mid-depth head")

    def _outputs(self, state: Noised) -> Tensor:
        """All output channels (N, C or 2 C, H, W), in float32."""
        net, p, tokens = self.transformer, self.transformer.patch_size, state.tokens
        embedding = self.blocks[0].norm1.emb
        cond = embedding(state.timestep, state.label, hidden_dtype=tokens.dtype)
        shift, scale = net.proj_out_1(F.silu(cond)).chunk(2, dim=1)
        tokens = net.norm_out(tokens) * (1 + scale[:, None]) + shift[:, None]
        n, _, height, width = state.x.shape
        patches = net.proj_out_2(tokens).float()
        patches = patches.view(n, height // p, width // p, p, p, net.out_channels)
        return patches.permute(0, 5, 1, 3, 2, 4).reshape(n, net.out_channels, height, width)

    def _level(self, timestep: Tensor) -> tuple[Tensor, Tensor]:
        """sqrt(abar) and sqrt(1 - abar), each (N, 1, 1, 1)."""
        signal, noise = self.levels.to(timestep.device)[timestep].unbind(1)
        return signal[:, None, None, None], noise[:, None, None, None]

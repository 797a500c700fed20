"""SiT, the transformer that predicts velocities (arXiv 2401.08740), with taps for weak signals.

State-dict names are those of the public implementation, so that its checkpoints can be read.
The forward pass is split into `embed`, `block`, `readout` and `read_head`: signals that share
leading blocks compute them once, and a mid-depth head is read off a pass under way.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from w2s.errors import UserError
from w2s.models.gelu import gelu


class Tokens(NamedTuple):
    """A forward pass under way."""

    tokens: Tensor  # (N, T, D)
    cond: Tensor  # (N, D), time and label


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """``x (1 + scale) + shift``, with x (N, T, D) and one shift and scale (N, D) per sample."""
    return torch.addcmul(shift.unsqueeze(1), x, 1 + scale.unsqueeze(1))


class TimestepEmbedder(nn.Module):
    """Sinusoids of t, then a two-layer network."""

    frequencies = 256

    def __init__(self, hidden_size: int):
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(self.frequencies, hidden_size), nn.SiLU(), nn.Linear(hidden_size, hidden_size)
        )

    def forward(self, t: Tensor) -> Tensor:
        """Embed times (N,) in [0, 1], unscaled as in the public SiT, to (N, D)."""
        half = self.frequencies // 2
        powers = torch.arange(half, dtype=torch.float32, device=t.device) / half
        angles = t.float()[:, None] * torch.exp(-math.log(10000) * powers)
        waves = torch.cat([angles.cos(), angles.sin()], dim=1)
        return self.mlp(waves.to(self.mlp[0].weight.dtype))


class LabelEmbedder(nn.Module):
    """One vector per class, and a last one for the null class."""

    def __init__(self, num_classes: int, hidden_size: int):
        super().__init__()
        self.embedding_table = nn.Embedding(num_classes + 1, hidden_size)

    def forward(self, y: Tensor) -> Tensor:
        return self.embedding_table(y)


class PatchEmbed(nn.Module):
    """Non-overlapping patches, projected."""

    def __init__(self, patch_size: int, in_channels: int, hidden_size: int):
        super().__init__()
        self.proj = nn.Conv2d(in_channels, hidden_size, patch_size, stride=patch_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, hidden_size: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size)
        self.proj = nn.Linear(hidden_size, hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        n, t, d = x.shape
        qkv = self.qkv(x).view(n, t, 3, self.num_heads, d // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, d))


class Mlp(nn.Module):
    """The block's two-layer feed-forward network."""

    def __init__(self, hidden_size: int, mlp_ratio: float):
        super().__init__()
        self.fc1 = nn.Linear(hidden_size, int(hidden_size * mlp_ratio))
        self.fc2 = nn.Linear(int(hidden_size * mlp_ratio), hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(gelu(self.fc1(x)))


class Block(nn.Module):
    """Attention and feed-forward network under adaptive layer norm, the identity at first."""

    def __init__(self, hidden_size: int, num_heads: int, mlp_ratio: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(hidden_size, elementwise_affine=False, eps=1e-6)
        self.attn = Attention(hidden_size, num_heads)
        self.norm2 = nn.LayerNorm(hidden_size, elementwise_affine=False, eps=1e-6)
        self.mlp = Mlp(hidden_size, mlp_ratio)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden_size, 6 * hidden_size))

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(cond).chunk(6, dim=1)
        mixed = self.attn(modulate(self.norm1(x), shift1, scale1))
        x = torch.addcmul(x, gate1.unsqueeze(1), mixed)
        fed = self.mlp(modulate(self.norm2(x), shift2, scale2))
        return torch.addcmul(x, gate2.unsqueeze(1), fed)


class FinalLayer(nn.Module):
    """Tokens to the pixels of their patches, zero at first."""

    def __init__(self, hidden_size: int, out_features: int):
        super().__init__()
        self.norm_final = nn.LayerNorm(hidden_size, elementwise_affine=False, eps=1e-6)
        self.linear = nn.Linear(hidden_size, out_features)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(hidden_size, 2 * hidden_size))

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        shift, scale = self.adaLN_modulation(cond).chunk(2, dim=1)
        return self.linear(modulate(self.norm_final(x), shift, scale))


class SiT(nn.Module):
    """A velocity ``v(x_t, t, y)`` in this project's direction of time: t = 1 is noise.

    `head_at` puts a second readout after that many blocks.  `time="data-at-one"` marks weights
    trained with time running the other way, as the public ones are: then
    ``v(x, t, y) = -network(x, 1 - t, y)``.
    """

    def __init__(
        self,
        *,
        input_size: int,
        patch_size: int,
        in_channels: int,
        hidden_size: int,
        depth: int,
        num_heads: int,
        mlp_ratio: float = 4.0,
        num_classes: int,
        head_at: int | None = None,
        time: Literal["noise-at-one", "data-at-one"] = "noise-at-one",
    ):
        super().__init__()
        if input_size % patch_size:
            raise UserError(
                f"patches of {patch_size} do not tile latents of {input_size}: "
                "choose a patch_size that divides input_size"
            )
        self._config = {
            "input_size": input_size,
            "patch_size": patch_size,
            "in_channels": in_channels,
            "hidden_size": hidden_size,
            "depth": depth,
            "num_heads": num_heads,
            "mlp_ratio": mlp_ratio,
            "num_classes": num_classes,
            "head_at": head_at,
            "time": time,
        }
        self.depth, self.head_at, self.null_class = depth, head_at, num_classes
        self.channels, self.patch_size = in_channels, patch_size
        self.grid = input_size // patch_size
        self.sign = 1 if time == "noise-at-one" else -1
        self.x_embedder = PatchEmbed(patch_size, in_channels, hidden_size)
        self.t_embedder = TimestepEmbedder(hidden_size)
        self.y_embedder = LabelEmbedder(num_classes, hidden_size)
        self.pos_embed = nn.Parameter(position_embedding(hidden_size, self.grid), False)
        self.blocks = nn.ModuleList(Block(hidden_size, num_heads, mlp_ratio) for _ in range(depth))
        self.final_layer = FinalLayer(hidden_size, patch_size**2 * in_channels)
        if head_at is not None:
            self.head = FinalLayer(hidden_size, patch_size**2 * in_channels)
        self.apply(_initialise)
        for module in self.modules():  # adaLN-zero: every block and readout starts as nothing
            if isinstance(module, Block | FinalLayer):
                _zero(module.adaLN_modulation[1])
            if isinstance(module, FinalLayer):
                _zero(module.linear)
        for layer in (self.t_embedder.mlp[0], self.t_embedder.mlp[2]):
            nn.init.normal_(layer.weight, std=0.02)

    def config(self) -> dict:
        """The arguments that build this network, as plain JSON types."""
        return dict(self._config)

    def embed(self, x: Tensor, t: Tensor, y: Tensor) -> Tokens:
        """Start a pass: x (N, C, H, W), t (N,) in [0, 1], y (N,) int64 up to `null_class`."""
        t = t if self.sign == 1 else 1 - t
        cond = self.t_embedder(t) + self.y_embedder(y)
        x = x.to(self.x_embedder.proj.weight.dtype)
        return Tokens(self.x_embedder(x) + self.pos_embed, cond)

    def block(self, i: int, state: Tokens) -> Tokens:
        """Run block `i`, counted from 0."""
        return Tokens(self.blocks[i](state.tokens, state.cond), state.cond)

    def readout(self, state: Tokens) -> Tensor:
        """The velocity (N, C, H, W) after the last block."""
        return self._velocity(self.final_layer, state)

    def read_head(self, state: Tokens) -> Tensor:
        """The mid-depth head's velocity (N, C, H, W), given the state after `head_at` blocks."""
        return self._velocity(self.head, state)

    def _velocity(self, layer: FinalLayer, state: Tokens) -> Tensor:
        n, g, p, c = len(state.tokens), self.grid, self.patch_size, self.channels
        patches = self.sign * layer(state.tokens, state.cond).view(n, g, g, p, p, c)
        return patches.permute(0, 5, 1, 3, 2, 4).reshape(n, c, g * p, g * p)

    def forward(self, x: Tensor, t: Tensor, y: Tensor, skip: Collection[int] = ()) -> Tensor:
        """The velocity (N, C, H, W), with the blocks in `skip` replaced by the identity."""
        state = self.embed(x, t, y)
        for i in range(self.depth):
            if i not in skip:
                state = self.block(i, state)
        return self.readout(state)


def position_embedding(hidden_size: int, grid: int) -> Tensor:
    """Fixed sine-cosine embedding (1, grid², hidden_size) of patch positions, column half first."""
    quarter = hidden_size // 4
    frequencies = 10000.0 ** (-torch.arange(quarter, dtype=torch.float64) / quarter)
    angles = torch.arange(grid, dtype=torch.float64)[:, None] * frequencies
    axis = torch.cat([angles.sin(), angles.cos()], dim=1)
    columns = axis[None].expand(grid, grid, -1)
    rows = axis[:, None].expand(grid, grid, -1)
    return torch.cat([columns, rows], dim=2).reshape(1, grid * grid, hidden_size).float()


def _zero(layer: nn.Linear) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.xavier_uniform_(module.weight.flatten(1))
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)

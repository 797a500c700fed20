"""Checkpoints under the names that DiT and SiT were released with, and their forward pass."""

import math

import torch
import torch.nn.functional as F

from w2s.models.sit_network import position_embedding

WIDTH, DEPTH, HEADS, PATCH, CHANNELS, SIDE, CLASSES = 32, 3, 4, 2, 4, 8, 7


def released(learn_sigma=True, side=SIDE, classes=CLASSES):
    """Random weights under the names of facebookresearch/DiT and willisma/SiT."""
    outputs = PATCH**2 * CHANNELS * (1 + learn_sigma)
    shapes = {"x_embedder.proj": (WIDTH, CHANNELS, PATCH, PATCH)}
    shapes |= {"t_embedder.mlp.0": (WIDTH, 256), "t_embedder.mlp.2": (WIDTH, WIDTH)}
    for i in range(DEPTH):
        shapes |= {
            f"blocks.{i}.attn.qkv": (3 * WIDTH, WIDTH),
            f"blocks.{i}.attn.proj": (WIDTH, WIDTH),
            f"blocks.{i}.mlp.fc1": (4 * WIDTH, WIDTH),
            f"blocks.{i}.mlp.fc2": (WIDTH, 4 * WIDTH),
            f"blocks.{i}.adaLN_modulation.1": (6 * WIDTH, WIDTH),
        }
    shapes |= {"final_layer.linear": (outputs, WIDTH)}
    shapes |= {"final_layer.adaLN_modulation.1": (2 * WIDTH, WIDTH)}
    generator = torch.Generator().manual_seed(3)
    weights = {"pos_embed": position_embedding(WIDTH, side // PATCH)}
    weights["y_embedder.embedding_table.weight"] = torch.randn(
        classes + 1, WIDTH, generator=generator
    )
    for name, shape in shapes.items():
        spread = 1 / math.prod(shape[1:]) ** 0.5
        weights[f"{name}.weight"] = spread * torch.randn(shape, generator=generator)
        weights[f"{name}.bias"] = 0.1 * torch.randn(shape[0], generator=generator)
    return weights


def forward(weights, x, t, y):
    """The forward pass that DiT and SiT share, from arXiv 2212.09748, fig. 3 and its code."""

    def linear(name, z):
        return F.linear(z, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(z, shift, scale):
        return F.layer_norm(z, (WIDTH,), eps=1e-6) * (1 + scale[:, None]) + shift[:, None]

    angles = t[:, None].float() * 10000.0 ** (-torch.arange(128) / 128)
    waves = torch.cat([angles.cos(), angles.sin()], dim=1)
    c = linear("t_embedder.mlp.2", F.silu(linear("t_embedder.mlp.0", waves)))
    c = F.silu(c + weights["y_embedder.embedding_table.weight"][y])
    patches = F.conv2d(x, weights["x_embedder.proj.weight"], weights["x_embedder.proj.bias"], PATCH)
    z = patches.flatten(2).transpose(1, 2) + weights["pos_embed"]
    for i in range(DEPTH):
        at = f"blocks.{i}."
        shift1, scale1, gate1, shift2, scale2, gate2 = linear(at + "adaLN_modulation.1", c).chunk(
            6, dim=1
        )
        qkv = linear(at + "attn.qkv", norm(z, shift1, scale1))
        q, k, v = (part.unflatten(2, (HEADS, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=2))
        seen = (q @ k.transpose(2, 3) / (WIDTH / HEADS) ** 0.5).softmax(dim=3) @ v
        z = z + gate1[:, None] * linear(at + "attn.proj", seen.transpose(1, 2).flatten(2))
        inner = F.gelu(linear(at + "mlp.fc1", norm(z, shift2, scale2)), approximate="tanh")
        z = z + gate2[:, None] * linear(at + "mlp.fc2", inner)
    out = linear(
        "final_layer.linear", norm(z, *linear("final_layer.adaLN_modulation.1", c).chunk(2, 1))
    )
    n, grid = len(x), SIDE // PATCH
    out = out.view(n, grid, grid, PATCH, PATCH, -1)
    return torch.einsum("nhwpqc->nchpwq", out).reshape(n, -1, SIDE, SIDE)

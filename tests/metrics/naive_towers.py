"""The scores' networks once more, written from papers and weights' names alone: slow and plain."""

import math

import torch
from torch.nn.functional import gelu


def norm(x, w, name, eps=1e-5):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + eps).sqrt() * w[
        f"{name}.weight"
    ] + w.get(f"{name}.bias", 0)


def linear(x, w, name):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def attend(q, k, v, heads, hidden=None):
    """q (N, T, D), k and v (N, S, D); hidden (N, 1, T, S) is true where nothing is seen."""

    def split(x):
        return x.unflatten(-1, (heads, -1)).transpose(1, 2)

    q, k, v = split(q), split(k), split(v)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if hidden is not None:
        scores = scores.masked_fill(hidden, -torch.inf)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)


def causal(length):
    return torch.ones(length, length, dtype=torch.bool).triu(1)


def patches(x, kernel):
    """A convolution whose stride is its kernel, by hand: (N, T, D)."""
    p = kernel.shape[-1]
    cut = x.unfold(2, p, p).unfold(3, p, p).permute(0, 2, 3, 1, 4, 5)  # (N, h, w, C, p, p)
    return cut.flatten(3).flatten(1, 2) @ kernel.flatten(1).T


def open_clip_blocks(x, w, name, layers, heads, hidden=None):
    for i in range(layers):
        at = f"{name}.resblocks.{i}"
        y = norm(x, w, f"{at}.ln_1")
        joint = y @ w[f"{at}.attn.in_proj_weight"].T + w[f"{at}.attn.in_proj_bias"]
        x = x + linear(attend(*joint.chunk(3, -1), heads, hidden), w, f"{at}.attn.out_proj")
        y = norm(x, w, f"{at}.ln_2")
        x = x + linear(gelu(linear(y, w, f"{at}.mlp.c_fc")), w, f"{at}.mlp.c_proj")
    return x


def open_clip_image(x, w, layers, heads):
    tokens = patches(x, w["visual.conv1.weight"])
    first = w["visual.class_embedding"].expand(len(x), 1, -1)
    x = torch.cat([first, tokens], 1) + w["visual.positional_embedding"]
    x = open_clip_blocks(norm(x, w, "visual.ln_pre"), w, "visual.transformer", layers, heads)
    return unit(norm(x, w, "visual.ln_post")[:, 0] @ w["visual.proj"])


def open_clip_text(tokens, w, layers, heads):
    x = w["token_embedding.weight"][tokens] + w["positional_embedding"]
    x = open_clip_blocks(x, w, "transformer", layers, heads, causal(tokens.shape[1]))
    ends = tokens.argmax(1)  # the end token has the highest number
    return unit(norm(x, w, "ln_final")[torch.arange(len(x)), ends] @ w["text_projection"])


def unit(x):
    return x / x.square().sum(-1, keepdim=True).sqrt()


def quick(x):
    """The GELU of OpenAI's CLIP."""
    return x * torch.sigmoid(1.702 * x)


def clip_blocks(x, w, name, layers, heads, hidden=None):
    for i in range(layers):
        at = f"{name}.encoder.layers.{i}"
        y = norm(x, w, f"{at}.layer_norm1")
        q, k, v = (linear(y, w, f"{at}.self_attn.{part}_proj") for part in "qkv")
        x = x + linear(attend(q, k, v, heads, hidden), w, f"{at}.self_attn.out_proj")
        y = norm(x, w, f"{at}.layer_norm2")
        x = x + linear(quick(linear(y, w, f"{at}.mlp.fc1")), w, f"{at}.mlp.fc2")
    return x


def clip_image(x, w, layers, heads):
    at = "vision_model.embeddings"
    tokens = patches(x, w[f"{at}.patch_embedding.weight"])
    first = w[f"{at}.class_embedding"].expand(len(x), 1, -1)
    x = torch.cat([first, tokens], 1) + w[f"{at}.position_embedding.weight"]
    x = clip_blocks(norm(x, w, "vision_model.pre_layrnorm"), w, "vision_model", layers, heads)
    pooled = norm(x[:, 0], w, "vision_model.post_layernorm")
    return unit(pooled @ w["visual_projection.weight"].T)


def clip_text(tokens, w, layers, heads, end):
    at = "text_model.embeddings"
    x = w[f"{at}.token_embedding.weight"][tokens] + w[f"{at}.position_embedding.weight"]
    x = clip_blocks(x, w, "text_model", layers, heads, causal(tokens.shape[1]))
    ends = (tokens == end).int().argmax(1)
    pooled = norm(x, w, "text_model.final_layer_norm")[torch.arange(len(x)), ends]
    return unit(pooled @ w["text_projection.weight"].T)


def stack(x, w, name):
    """Five linear layers, numbered with the dropouts between them."""
    for i in (0, 2, 4, 6, 7):
        x = linear(x, w, f"{name}layers.{i}")
    return x[:, 0]


def blip_image(x, w, layers, heads):
    """BLIP's tower under its released names."""
    tokens = patches(x, w["patch_embed.proj.weight"]) + w["patch_embed.proj.bias"]
    x = torch.cat([w["cls_token"].expand(len(x), 1, -1), tokens], 1) + w["pos_embed"]
    for i in range(layers):
        at = f"blocks.{i}"
        y = linear(norm(x, w, f"{at}.norm1", 1e-6), w, f"{at}.attn.qkv")
        x = x + linear(attend(*y.chunk(3, -1), heads), w, f"{at}.attn.proj")
        y = norm(x, w, f"{at}.norm2", 1e-6)
        x = x + linear(gelu(linear(y, w, f"{at}.mlp.fc1")), w, f"{at}.mlp.fc2")
    return norm(x, w, "norm", 1e-6)


def cubic(distance):
    """Keys's kernel with a = -0.75, as torch's bicubic interpolation has it."""
    a, d = -0.75, distance.abs()
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
    return torch.where(d <= 1, near, torch.where(d < 2, far, 0 * d))


def resampled(grid, side, scale):
    """A grid (N, N, D) read at side x side places, `scale` of them to a place of its own."""
    there = (torch.arange(side, dtype=grid.dtype) + 0.5) / scale - 0.5
    taps = there.floor()[:, None] + torch.arange(-1, 3)
    matrix = torch.zeros(side, len(grid), dtype=grid.dtype)
    matrix.scatter_add_(1, taps.long().clamp(0, len(grid) - 1), cubic(there[:, None] - taps))
    return torch.einsum("ia,jb,abd->ijd", matrix, matrix, grid)


def dinov2(x, w, layers, heads):
    """The class token of DINOv2's tower, whose places of 37 x 37 patches are read at 16 x 16."""
    tokens = patches(x, w["patch_embed.proj.weight"]) + w["patch_embed.proj.bias"]
    x = torch.cat([w["cls_token"].expand(len(x), 1, -1), tokens], 1)
    places = resampled(w["pos_embed"][0, 1:].unflatten(0, (37, 37)), 16, 16.1 / 37)
    x = x + torch.cat([w["pos_embed"][0, :1], places.flatten(0, 1)])
    for i in range(layers):
        at = f"blocks.{i}"
        y = linear(norm(x, w, f"{at}.norm1", 1e-6), w, f"{at}.attn.qkv")
        y = linear(attend(*y.chunk(3, -1), heads), w, f"{at}.attn.proj")
        x = x + w[f"{at}.ls1.gamma"] * y
        y = gelu(linear(norm(x, w, f"{at}.norm2", 1e-6), w, f"{at}.mlp.fc1"))
        x = x + w[f"{at}.ls2.gamma"] * linear(y, w, f"{at}.mlp.fc2")
    return norm(x, w, "norm", 1e-6)[:, 0]


def blip_text(tokens, mask, seen, w, layers, heads):
    """A BERT whose every layer also attends to the image, under its released names."""
    at, positions = "embeddings", torch.arange(tokens.shape[1])
    x = w[f"{at}.word_embeddings.weight"][tokens] + w[f"{at}.position_embeddings.weight"][positions]
    x = norm(x, w, f"{at}.LayerNorm", 1e-12)
    unseen = (mask == 0)[:, None, None]

    def layer(x, name, keys, hidden):
        q, k, v = (
            linear(y, w, f"{name}.self.{part}")
            for y, part in ((x, "query"), (keys, "key"), (keys, "value"))
        )
        y = linear(attend(q, k, v, heads, hidden), w, f"{name}.output.dense")
        return norm(x + y, w, f"{name}.output.LayerNorm", 1e-12)

    for i in range(layers):
        at = f"encoder.layer.{i}"
        x = layer(x, f"{at}.attention", x, unseen)
        x = layer(x, f"{at}.crossattention", seen, None)
        y = linear(gelu(linear(x, w, f"{at}.intermediate.dense")), w, f"{at}.output.dense")
        x = norm(x + y, w, f"{at}.output.LayerNorm", 1e-12)
    return x

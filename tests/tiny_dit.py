"""Tiny DiTs with random weights, and folders of them in diffusers' layout."""

import json
from pathlib import Path

import torch
from diffusers import DDIMScheduler

from w2s.models.dit import DiTParams
from w2s.models.dit_network import DiT
from w2s.models.load import build

LATENTS, CLASSES = (4, 6, 6), 5


def config(classes=CLASSES, latents=LATENTS, **said):
    """The configuration of a tiny DiT; what is said may be a key of its parameters, or schedule."""
    network = {"kind": "dit", "patch": 2, "hidden": 32, "depth": 4, "heads": 2} | said
    return DiTParams.model_validate(network).config(latents, classes)


def random_dit(seed=0, **said) -> DiT:
    """A DiT whose every weight is random: adaLN-zero would make all blocks the identity."""
    net = build(config(**said)).eval()
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        draw = torch.randn(parameter.shape, generator=generator)
        parameter.data = draw * (0.7 / parameter[0].numel() ** 0.5 if draw.dim() > 1 else 0.1)
    return net


def folder_of(net: DiT, folder: Path, scheduler=None) -> Path:
    """A pipeline folder as diffusers saves it, without the VAE."""
    net.transformer.save_pretrained(folder / "transformer")
    (scheduler or DDIMScheduler(clip_sample=False)).save_pretrained(folder / "scheduler")
    index = {"_class_name": "DiTPipeline", "transformer": ["diffusers", "DiTTransformer2DModel"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder

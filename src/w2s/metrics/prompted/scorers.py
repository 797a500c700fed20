"""The judges as the registry of scores calls them: files by name, a device, settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from w2s.device import pick
from w2s.metrics.prompted.aesthetic import Aesthetic
from w2s.metrics.prompted.clip import ClipScore
from w2s.metrics.prompted.hps import ARCHITECTURE, HPS
from w2s.metrics.prompted.image_reward import ImageReward


def hps(files: Mapping[str, Path], device: str, *, antialias: bool) -> HPS:
    """weights: HPS_v2.1_compressed.pt; architecture: a JSON file of open_clip's form."""
    architecture = str(files.get("architecture", ARCHITECTURE))
    return HPS(files["weights"], architecture, antialias, pick(device))


def aesthetic(files: Mapping[str, Path], device: str) -> Aesthetic:
    """weights: sac+logos+ava1-l14-linearMSE.pth; clip: the folder of its CLIP model."""
    return Aesthetic(files["weights"], files["clip"], pick(device))


def clip(files: Mapping[str, Path], device: str) -> ClipScore:
    """model: the folder of a CLIP model in transformers' format."""
    return ClipScore(files["model"], pick(device))


def image_reward(files: Mapping[str, Path], device: str) -> ImageReward:
    """weights: ImageReward.pt; tokenizer: BERT's folder; architecture: a JSON file."""
    tokenizer, architecture = files["tokenizer"], files.get("architecture")
    return ImageReward(files["weights"], tokenizer, architecture, pick(device))

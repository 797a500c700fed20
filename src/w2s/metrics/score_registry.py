"""Scores: what is computed of each image of a decoded sample set, a node for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module

from w2s.metrics.columns import Column


@dataclass(frozen=True)
class Score(Column):
    """One number for each image.

    `scorer` (module:function) is called once, with the paths of the entry's files and nodes by
    name, what `w2s.device.pick` takes, and the entry's settings as keywords.  It returns what
    scores a batch: images uint8 (n, H, W, 3) and their n prompts to values (n,), and may bear a
    `definition` that says more than the entry's.  Raise `version` where the same images get other
    values.
    """

    scorer: str
    definition: str  # what the number is, exactly
    files: tuple[str, ...] = ()  # what a study has to give the path of, such as a file of weights
    optional: tuple[str, ...] = ()  # and may, in the place of what was released
    settings: Mapping[str, bool] = field(default_factory=dict)  # what moves values, and defaults
    nodes: tuple[str, ...] = ()  # networks of the part's own world: "features", "clip"
    imports: tuple[str, ...] = ()  # slow ones of its work, beside those of its module
    version: int = 1
    parameters: float = 0.0  # of its networks, about
    gmacs: float = 0.0  # billions of multiply-accumulates for an image and its prompt, about

    def load(self) -> Callable:
        """The scorer's function, imported where it is used."""
        module, _, function = self.scorer.partition(":")
        return getattr(import_module(module), function)


SCORES: dict[str, Score] = {
    "saturation": Score(
        "Saturation", None, 3, "w2s.metrics.colour:saturation",
        "mean over pixels of HSV saturation, (max - min) / max of R, G and B, 0 where all are 0",
    ),
    "contrast": Score(
        "Contrast", None, 3, "w2s.metrics.colour:contrast",
        "standard deviation over pixels of luma, 0.299 R + 0.587 G + 0.114 B in [0, 1]",
    ),
    "hps": Score(
        "HPSv2.1", "higher", 3, "w2s.metrics.prompted.scorers:hps",
        "100 × cosine of the features of image and prompt by OpenCLIP ViT-H/14 with HPSv2.1's "
        "weights, float32, the longer side resized to 224 by bicubic interpolation of values in "
        "[0, 1], black around it (arXiv 2306.09341)",
        ("weights",), ("architecture",), {"antialias": True}, parameters=9.9e8, gmacs=190,
    ),
    "aesthetic": Score(
        "Aesthetic", "higher", 3, "w2s.metrics.prompted.scorers:aesthetic",
        "LAION's aesthetic score, version 2: a linear head on the unit feature of the image by "
        "CLIP ViT-L/14, float32, the shorter side resized by PIL's bicubic filter to what CLIP "
        "reads and cut to the middle square; the prompt is not read",
        ("weights", "clip"), parameters=4.3e8, gmacs=81,
    ),
    "clip": Score(
        "CLIP score", "higher", 2, "w2s.metrics.prompted.scorers:clip",
        "100 × max(0, cosine) of the features of image and prompt by the CLIP model given, "
        "float32, the shorter side resized by PIL's bicubic filter to what CLIP reads and cut to "
        "the middle square (arXiv 2104.08718, whose factor is 2.5)",
        ("model",), parameters=4.3e8, gmacs=88,
    ),
    "image_reward": Score(
        "ImageReward", "higher", 3, "w2s.metrics.prompted.scorers:image_reward",
        "ImageReward 1.0, standardised as released, on transformers' BLIP and BERT, float32, the "
        "shorter side resized to 224 by PIL's bicubic filter and cut to the middle square, the "
        "prompt cut to 35 tokens (arXiv 2304.05977)",
        ("weights", "tokenizer"), ("architecture",), parameters=4.5e8, gmacs=67,
    ),
    "words": Score(
        "All words right", "higher", 3, "w2s.metrics.prompted.words:words",
        "share of images in which a network trained on this world sees all that the prompt says: "
        "shape, colour, texture, background and size",
        nodes=("features",), imports=("w2s.metrics.extractors",),
    ),
    "shape": Score(
        "Shape right", "higher", 3, "w2s.metrics.prompted.words:shape",
        "share of images in which the same kind of network sees the shape that the prompt names",
        nodes=("features",), imports=("w2s.metrics.extractors",),
    ),
    "clip_made": Score(
        "CLIP score, small", "higher", 1, "w2s.metrics.prompted.words:clip",
        "100 max(0, cosine) of image and prompt by a small CLIP trained on this world",
        nodes=("clip",), imports=("w2s.metrics.prompted.clip",),
    ),
}  # fmt: skip

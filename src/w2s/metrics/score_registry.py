"""Scores: what is computed of each image of a decoded sample set, a node for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from w2s.metrics.columns import Column


@dataclass(frozen=True)
class Score(Column):
    """One number for each image.

    `scorer` (module:function) is called once, with the paths of the entry's `files` by name and
    what `w2s.device.pick` takes.  It returns what scores a batch: images uint8 (n, H, W, 3) and
    their n prompts to values (n,).  Raise `version` where the same images get other values.
    """

    scorer: str
    definition: str  # what the number is, exactly
    files: tuple[str, ...] = ()  # what a study has to give the path of, such as a file of weights
    version: int = 1

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
}  # fmt: skip

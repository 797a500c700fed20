"""What images of the miniature world show, by networks that were trained on it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from w2s.device import pick
from w2s.errors import UserError
from w2s.metrics.score_registry import SCORES
from w2s.world.words import meanings

if TYPE_CHECKING:  # importing transformers takes seconds
    from w2s.metrics.prompted.clip import ClipScore


class Seen:
    """Whether a feature network sees in an image what its caption says."""

    def __init__(self, folder: Path, attributes: Sequence[str] | None, device: str):
        """attributes: heads that count; None for all.  Raises UserError where one is not there."""
        from w2s.metrics.extractors import Network  # takes seconds

        self.network = Network(folder, pick(device))
        heads = self.network.heads.values if self.network.heads else {}
        self.attributes = list(heads if attributes is None else attributes)
        if not self.attributes or (absent := set(self.attributes) - heads.keys()):
            what = ", ".join(sorted(absent)) if self.attributes else "any attribute"
            raise UserError(f"the feature network in {folder} does not tell {what} of an image")

    def __call__(self, images: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """1 or 0, float32 (N,), for images uint8 (N, H, W, 3) and their captions.

        Raises UserError for a text that is no caption of the world.
        """
        known = meanings()
        if unknown := [text for text in texts if text not in known]:
            raise UserError(f"'{unknown[0]}' is no caption of the miniature world")
        logits = self.network.extract(np.array(images))["logits"]  # torch wants to own its memory
        right, start = np.ones(len(texts), bool), 0
        for head, values in self.network.heads.values.items():
            told = logits[:, start : start + len(values)].argmax(1)
            start += len(values)
            if head in self.attributes:
                said = [known[text][head] for text in texts]
                right &= np.array([values[i] == one for i, one in zip(told, said, strict=True)])
        return right.astype(np.float32)


def words(files: Mapping[str, Path], device: str) -> Seen:
    """The scorer of all that a caption says."""
    return Seen(files["features"], None, device)


def shape(files: Mapping[str, Path], device: str) -> Seen:
    """The scorer of the shape alone."""
    return Seen(files["features"], ("shape",), device)


def clip(files: Mapping[str, Path], device: str) -> ClipScore:
    """The scorer by a CLIP that was trained here, which says how good that is."""
    from w2s.metrics.prompted.clip import ClipScore
    from w2s.metrics.prompted.trained import ACCURACY

    folder = files["clip"]
    scorer = ClipScore(folder / "clip", pick(device))
    accuracy = json.loads((folder / ACCURACY).read_text())["zero_shot_shape"]
    scorer.definition = (
        f"{SCORES['clip_made'].definition}, which names the shape in {accuracy:.2f} of the "
        "pictures held out"
    )
    return scorer

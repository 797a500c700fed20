"""Which conditions a segment is drawn under: the one place that knows all kinds of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from w2s.conditions.base import Source
from w2s.conditions.labels import Labels
from w2s.conditions.prompts import Prompts


def source_of(spec: Mapping, parents: Mapping[str, Sequence[Path]]) -> Source:
    """The source of conditions that a segment's spec names.

    Raises UserError where the embeddings are not of as many prompts as the spec says.
    """
    seeds = tuple(spec["seeds"])
    if spec.get("condition") == "prompts":
        (folder,) = parents["embeddings"]
        return Prompts.read(folder, seeds, spec["prompts"], spec["per_prompt"])
    return Labels(spec["classes"], spec["labels"], spec["conditional"], seeds, spec["per_seed"])

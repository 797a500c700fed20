"""Which conditions a segment is drawn under: the one place that knows all kinds of them."""

from __future__ import annotations

from collections.abc import Mapping

from w2s.conditions.base import Source
from w2s.conditions.labels import Labels


def source_of(spec: Mapping) -> Source:
    """The source of conditions that a segment's spec names."""
    return Labels(spec["classes"], spec["labels"], spec["conditional"])

"""Which condition each latent of a training set is trained under: its class, or its caption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy import ndarray

from w2s.conditions.base import Source
from w2s.conditions.labels import Labels
from w2s.conditions.prompt_sets import text_hash
from w2s.conditions.prompts import Prompts
from w2s.data.attributes import read_attributes
from w2s.data.latents import Latents
from w2s.errors import UserError
from w2s.job import Job
from w2s.models.registry import family_of


@dataclass(frozen=True)
class Captioned:
    """Latents whose labels are rows of a table of captions; ``classes`` is that of no caption."""

    latents: Latents
    labels: ndarray  # (N,) int64
    classes: int

    def __len__(self) -> int:
        return len(self.latents)

    def batch(self, rows: ndarray, rng: np.random.Generator) -> tuple[ndarray, ndarray]:
        """As `Latents.batch`, with captions for labels."""
        return self.latents.batch(rows, rng)[0], self.labels[rows]


def conditioned(job: Job, latents: Latents) -> tuple[Latents | Captioned, Source]:
    """The latents with their labels, and what these labels mean.

    Without parent embeddings labels are classes.  With it (and index, whose attributes.csv holds
    each image's caption) they are rows of that table.  Raises UserError for a caption that the
    table does not hold.
    """
    if "embeddings" not in job.parents:
        return latents, Labels(latents.classes)
    source, named = Prompts.table(job.parent("embeddings")), read_attributes(job.parent("index"))
    try:
        labels = [source.rows[text_hash(row["caption"])] for row in named]
    except KeyError:
        raise UserError("an image's caption is not among the prompts that were encoded") from None
    return Captioned(latents, np.array(labels), len(source.text) - 1), source


def misfit(config: Mapping, source: Source) -> str | None:
    """Why a network with this configuration cannot read these conditions; None if it can."""
    family = family_of(config)
    if isinstance(source, Prompts) != (family.condition == "prompts"):
        return f"the model is conditioned by {family.condition} and the data by something else"
    if isinstance(source, Labels):
        known = family.classes(config)
        if known != source.classes:
            return f"the model has {known} classes and the data {source.classes}"
        return None
    reads, given = family.widths(config), (source.text.shape[2], source.pooled.shape[1])
    if reads != given:
        return f"the model reads tokens and pooled vectors of widths {reads} and not {given}"
    return None

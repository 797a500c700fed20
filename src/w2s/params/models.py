"""Parameters of networks, training recipes and the weak models taken from them."""

from __future__ import annotations

import re
from functools import reduce
from operator import or_
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    PositiveFloat,
    PositiveInt,
    Tag,
    model_validator,
)

from w2s.models.registry import FAMILIES
from w2s.models.sit import SiTFamily
from w2s.params.data import Distinct, NonNegative, Seed
from w2s.strict import Strict
from w2s.training.objectives import Objective
from w2s.training.objectives.base import HEAD_WEIGHT

EmaLength = Annotated[float, Field(gt=0, lt=0.28)]  # beyond, the power function has no exponent


def _trunk_at(text: str) -> str:
    if not re.fullmatch(r"[^@]+@[1-9][0-9]*", text):
        raise ValueError(f"'{text}' must read recipe@step, such as trunk@1200")
    return text


def kind(entry) -> str:
    """The kind of network that an entry under `models` names; mistakes bear this name."""
    named = entry.get("kind") if isinstance(entry, dict) else getattr(entry, "kind", None)
    return named or SiTFamily.name


def _any_family():
    """The parameters of all families, told apart by `kind`."""
    named = {name: family.params for name, family in FAMILIES.items() if family.params}
    kinds = [Annotated[params, Tag(name)] for name, params in named.items()]
    if len(kinds) == 1:  # nothing to tell apart
        return SiTFamily.params
    return Annotated[reduce(or_, kinds), Discriminator(kind)]


Network = _any_family()
"""An entry under `models`.  A pydantic field type."""


class Recipe(Strict):
    """One training run."""

    model: str
    """Name of a network under models."""
    objective: Objective
    """What the network is trained towards."""
    steps: PositiveInt
    """Total optimizer steps, a shared trunk's included."""
    branch: Annotated[str, AfterValidator(_trunk_at)] | None = Field(None, alias="from")
    """Continue from another recipe's state at a step, written recipe@step."""
    conditional: bool = True
    """Whether the network sees class labels."""
    weak: str | None = None
    """Weak model (under weak) that the objective extrapolates from: ag, or a window of windows."""
    head_weight: NonNegative | None = None
    """Weight of the mid-depth head's own denoising loss; null: 0.2 where the objective moves away
    from the head, else 0.  A guidance or weak model that reads the head needs it above 0."""

    @property
    def head_loss(self) -> float:
        """Weight of the mid head's own loss: as given, or what the objective needs."""
        if self.head_weight is None:
            return HEAD_WEIGHT if self.objective.reads_head else 0.0
        return self.head_weight

    @property
    def trunk(self) -> tuple[str, int] | None:
        """The recipe and the step that this one continues from."""
        if self.branch is None:
            return None
        name, step = self.branch.split("@")
        return name, int(step)


class Training(Strict):
    """What all recipes share."""

    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), Distinct] = (0,)
    """Training seeds; every recipe is trained once with each."""
    batch: PositiveInt
    """Images per step."""
    lr: PositiveFloat
    """Learning rate after the warm-up."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]]
    """AdamW's two decay rates."""
    warmup: Annotated[int, Field(ge=0)] = 0
    """Steps over which the learning rate rises from zero."""
    clip: PositiveFloat = 1.0
    """Largest gradient norm."""
    weight_decay: NonNegative = 0.0
    """AdamW's weight decay."""
    label_dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of samples that see the null class."""
    ema: Annotated[tuple[EmaLength, ...], Field(min_length=2)] = (0.05, 0.1)
    """Relative lengths of the tracked power-function averages; others are rebuilt from them."""
    snapshot_every: PositiveInt
    """Steps between snapshots of the averages."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the forwards; weights and averages are fp32."""
    recipes: Annotated[dict[str, Recipe], Field(min_length=1)]
    """Training runs by name."""


class SkipPart(Strict):
    """A network without some of its blocks."""

    skip: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]
    """Blocks left out, counted from 0."""


class WeakModel(Strict):
    """Weights taken from a training run's snapshots."""

    recipe: str
    """Name of a training recipe, or of a pretrained network."""
    step: PositiveInt | None = None
    """Training step; null: the last."""
    fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    """Training step as a share of the recipe's steps, instead of step."""
    ema: EmaLength | None = None
    """Relative length of the weight average; null: the study's."""
    part: Literal["full", "head"] | SkipPart = "full"
    """The whole network, its mid-depth head, or the network without some blocks."""

    @model_validator(mode="after")
    def _one_step(self):
        if self.step is not None and self.fraction is not None:
            raise ValueError("step and fraction say the same thing twice; give one")
        return self

    @property
    def taken(self) -> str | dict:
        """The part, in plain JSON types."""
        return self.part if isinstance(self.part, str) else self.part.model_dump()

    def at(self, steps: int) -> int:
        """The training step meant, in a recipe of so many."""
        if self.fraction is not None:
            return round(self.fraction * steps)
        return self.step or steps

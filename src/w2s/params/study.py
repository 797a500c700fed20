"""Parameters of a whole study, and the checks that span its blocks."""

from __future__ import annotations

import difflib
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator
from pydantic_core import PydanticCustomError

from w2s.guidance.weights import Number
from w2s.guidance.windows import Guidance
from w2s.metrics.settings import ONLY_FROM, Metric, MetricSettings
from w2s.params.base import Strict
from w2s.params.data import (
    DiffusersVAE,
    FolderData,
    InceptionFeatures,
    Latents,
    Reference,
    Seed,
    ToyData,
    TrainedFeatures,
    TrainedVAE,
)
from w2s.params.models import EmaLength, Network, Training, WeakModel

Column = Metric | Literal["forwards"]


def _path_name(name: str) -> str:
    """Names become file names: refuse what a path or a wildcard cannot hold."""
    if not name or not all(c.isalnum() or c in "-_.+=" for c in name) or name.startswith("."):
        raise ValueError("a name is made of letters, digits and - _ . + =, not starting with a dot")
    return name


Name = Annotated[str, AfterValidator(_path_name)]


class Sampling(Strict):
    """How samples are drawn."""

    solver: Literal["euler", "heun", "sde"] = "euler"
    """ODE by Euler or Heun, or the Euler-Maruyama SDE of SiT."""
    steps: PositiveInt
    """Solver steps."""
    shift: Annotated[float, Field(ge=0.1, le=20)] = 1.0
    """Timestep shift of the time grid; 1 is uniform, 3 is that of SD3."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    """Sampling seeds; each draws its own set."""
    per_seed: PositiveInt
    """Samples per seed."""
    shards: PositiveInt = 1
    """How many nodes share one sample set."""
    batch: PositiveInt
    """Fixed batch shape; part of the result, because rounding depends on it."""
    labels: Literal["balanced", "random"] = "balanced"
    """Classes in turn, or drawn by seed."""
    ema: EmaLength = 0.08
    """Relative length of the weight average that is sampled."""


class Published(Strict):
    """A number somebody published for this cell."""

    value: float
    tolerance: Annotated[float, Field(ge=0)]
    """How far ours may lie from it and still count as reproduced."""
    source: str
    """Paper and table."""


class Row(Strict):
    """One row of a table: a model and how it is guided."""

    label: str | None = None
    """Text of the row in tables; the row's name if null."""
    model: str
    """A training recipe, or a weak model."""
    guidance: str | None = None
    """Name under guidance; null: none."""
    steps: PositiveInt | None = None
    """Solver steps, if others than the study's."""
    solver: Literal["euler", "heun", "sde"] | None = None
    published: dict[Column, Published] = Field({})
    comparable: bool = True
    """Whether our protocol is that of the published number."""
    why: str | None = None
    """Why it is not comparable."""

    @model_validator(mode="after")
    def _reason(self):
        if not self.comparable and not self.why:
            raise ValueError("comparable: false wants a reason under why")
        return self


class Table(Strict):
    """A table of cells, and the pictures behind it."""

    title: str
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    baseline: str
    """Row that differences are taken against, paired by seed."""
    rows: Annotated[dict[Name, Row], Field(min_length=1)]


class Sweep(Strict):
    """Weights that every guidance method is tried with; `snakemake weights` compares them."""

    model: str
    """What is guided: a training recipe, or a weak model."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    """Sampling seeds, none of which the tables use."""
    per_seed: PositiveInt
    """Samples per seed."""
    columns: Annotated[tuple[Column, ...], Field(min_length=1)] = ("fd", "recall", "forwards")
    """Metrics of the table; FD, which weights are chosen by, is drawn against each other one."""
    weights: Annotated[dict[Name, tuple[Number, ...]], Field(min_length=1)]
    """For each entry under guidance, the weights to try in all its windows; as many for each."""


class Cost(Strict):
    """A measurement by `w2s cost`."""

    device: str
    """What it was measured on."""
    measured: str
    """Date."""
    seconds_per_gmac: PositiveFloat
    """Seconds per billion multiply-accumulates of a transformer's forward."""


class Study(Strict):
    """Everything one scale of the study is made of."""

    data: Annotated[ToyData | FolderData, Field(discriminator="kind")]
    vae: Annotated[TrainedVAE | DiffusersVAE, Field(discriminator="kind")]
    latents: Latents
    features: Annotated[TrainedFeatures | InceptionFeatures, Field(discriminator="kind")]
    reference: Reference
    models: Annotated[dict[Name, Network], Field(min_length=1)]
    """Networks by name."""
    training: Training
    weak: dict[Name, WeakModel] = Field({})
    """Weak models by name."""
    guidance: dict[Name, Guidance] = Field({})
    """Guidance by name: one method, or a list of windows over t with one method each."""
    sampling: Sampling
    metrics: MetricSettings
    tables: Annotated[dict[Name, Table], Field(min_length=1)]
    """Tables by name."""
    sweep: Sweep | None = None
    """What the weights under guidance are chosen by."""
    cost: Cost | None = None
    """What a forward was measured to cost, for the estimates of `w2s plan`."""

    @model_validator(mode="after")
    def _names_exist(self):
        recipes = self.training.recipes
        for name, recipe in recipes.items():
            at = f"training.recipes.{name}"
            _known(recipe.model, self.models, f"{at}.model", "network under models")
            if recipe.branch:
                trunk, step = recipe.branch.split("@")
                _known(trunk, recipes, f"{at}.from", "recipe")
                if not int(step) < recipe.steps:
                    raise _bad(f"{at}.from", f"step {step} leaves nothing of {recipe.steps} steps")
                if recipes[trunk].model != recipe.model:
                    raise _bad(f"{at}.from", f"'{trunk}' trains another network")
                if recipes[trunk].branch:
                    raise _bad(f"{at}.from", f"'{trunk}' is itself a branch; name its trunk")
            if recipe.weak is not None:
                _known(recipe.weak, self.weak, f"{at}.weak", "weak model under weak")
            if (recipe.objective.name == "ag") != (recipe.weak is not None):
                raise _bad(f"{at}.weak", "a weak model goes with the ag objective and only with it")
        for name, weak in self.weak.items():
            _known(weak.recipe, recipes, f"weak.{name}.recipe", "recipe")
        for name, guidance in self.guidance.items():
            for window in guidance:
                net = getattr(window, "weak", None)  # a method's name for a separate network
                if net is not None:
                    _known(net, self.weak, f"guidance.{name}.weak", "weak model under weak")
        for name, table in self.tables.items():
            at = f"tables.{name}"
            _known(table.baseline, table.rows, f"{at}.baseline", "row of the table")
            for row_name, row in table.rows.items():
                models = [*recipes, *self.weak]
                _known(row.model, models, f"{at}.rows.{row_name}.model", "recipe or weak model")
                if row.guidance is not None:
                    where = f"{at}.rows.{row_name}.guidance"
                    _known(row.guidance, self.guidance, where, "entry under guidance")
        if both := set(recipes) & set(self.weak):
            raise _bad(f"weak.{min(both)}", "the name is taken by a training recipe")
        return self

    @model_validator(mode="after")
    def _sweep_fits(self):
        sweep = self.sweep
        if sweep is None:
            return self
        _known(sweep.model, [*self.training.recipes, *self.weak], "sweep.model", "model")
        for name in sweep.weights:
            at = f"sweep.weights.{name}"
            _known(name, self.guidance, at, "entry under guidance")
            if not all(isinstance(window.weight, float) for window in self.guidance[name]):
                raise _bad(at, "the weight of this guidance is a schedule; only numbers are swept")
        if len({len(weights) for weights in sweep.weights.values()}) > 1:
            raise _bad("sweep.weights", "every entry must try as many weights as the others")
        if both := set(sweep.seeds) & set(self.sampling.seeds):
            raise _bad("sweep.seeds", f"seed {min(both)} is one of sampling.seeds; take others")
        if "fd" not in sweep.columns:
            raise _bad("sweep.columns", "must hold fd, which the weights are chosen by")
        if "weights" in self.tables:
            raise _bad("tables.weights", "the name is taken by the sweep's table; choose another")
        return self

    @model_validator(mode="after")
    def _sizes_fit(self):
        for name in ("sampling", "sweep"):
            block = getattr(self, name)
            if block and self.metrics.kid_subset_size >= block.per_seed:
                below = f"must be below {name}.per_seed ({block.per_seed})"
                raise _bad("metrics.kid_subset_size", below)
        for metric in self.metrics.metrics:
            if ONLY_FROM.get(metric, self.features.kind) != self.features.kind:
                raise _bad(
                    "metrics.metrics",
                    f"{metric} needs the {ONLY_FROM[metric]} feature network, but features.kind is "
                    f"{self.features.kind}",
                )
        shown = {f"tables.{name}": table.columns for name, table in self.tables.items()}
        for name, columns in (shown | ({"sweep": self.sweep.columns} if self.sweep else {})).items():
            for column in columns:
                if column not in (*self.metrics.metrics, "forwards"):
                    raise _bad(f"{name}.columns", f"metrics.metrics lacks {column}")
        for name, recipe in self.training.recipes.items():
            if recipe.steps % self.training.snapshot_every:
                every = self.training.snapshot_every
                raise _bad(
                    f"training.recipes.{name}.steps",
                    f"must be a multiple of training.snapshot_every ({every})",
                )
        return self


def _bad(path: str, sentence: str) -> PydanticCustomError:
    """An error that names its own path, because it spans several blocks."""
    return PydanticCustomError("study", "{at}: {why}", {"at": path, "why": sentence})


def _known(name: str, names, path: str, what: str) -> None:
    """Refuse a name that does not exist, with the nearest one that does."""
    if name not in names:
        near = difflib.get_close_matches(name, list(names), 1, 0.4)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(names) or 'none'}"
        raise _bad(path, f"there is no {what} named '{name}'; {hint}")

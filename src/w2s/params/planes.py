"""Parameters of a part with points of two-dimensional worlds, whose truth is known."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from w2s.guidance.weights import Number
from w2s.guidance.windows import Guidance
from w2s.metrics.point_registry import POINT_SCORES
from w2s.models.mlp import POINT, MLPParams
from w2s.params.common import Cost, Name
from w2s.params.data import Distinct, Seed
from w2s.params.models import EmaLength, Training, WeakModel
from w2s.params.probes import NONE, Figure, Probe
from w2s.plane.errors import Errors
from w2s.plane.tree import World
from w2s.strict import Strict

COLUMNS = (*POINT_SCORES, "forwards")
ColumnName = Literal[COLUMNS]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), Distinct]
Tried = Number | Annotated[tuple[Number, ...], Field(min_length=1)]


class TrainingPoints(Strict):
    """The points of each world that networks are trained on."""

    count: PositiveInt = 20_000
    """How many, of all classes together."""
    seed: Seed
    """Seed of the draw; one that true samples have too would show these very points again."""


class PlaneSampling(Strict):
    """How points are drawn."""

    solver: Literal["euler", "heun"] = "heun"
    """ODE by Euler or Heun."""
    steps: PositiveInt = 32
    """Solver steps."""
    shift: Annotated[float, Field(ge=0.1, le=20)] = 0.2
    """Timestep shift of the time grid; 1 is uniform, below 1 more steps are near the data."""
    seeds: Seeds
    """Sampling seeds; each draws its own set."""
    per_seed: PositiveInt
    """Points per seed, classes in turn."""
    shards: PositiveInt = 1
    """How many nodes share one sample set."""
    batch: PositiveInt
    """Fixed batch shape; part of the result, because rounding depends on it."""
    ema: EmaLength = 0.08
    """Relative length of the weight average that is sampled."""


class PlaneRow(Strict):
    """One row of a table: a network and how it is guided, or true points."""

    label: str | None = None
    """Text of the row in tables; the row's name if null."""
    model: str | None = None
    """A training recipe or a weak model, trained in the table's world, or an exact network."""
    truth: bool = False
    """Instead of a model: points drawn from the truth, the floor of every score."""
    guidance: str | None = None
    """Name under guidance; null: none."""
    steps: PositiveInt | None = None
    """Solver steps, if others than the study's."""

    @model_validator(mode="after")
    def _one_source(self):
        if self.truth == (self.model is not None):
            raise ValueError("give either model, or truth: true for points of the truth itself")
        for name in ("guidance", "steps"):
            if self.truth and getattr(self, name) is not None:
                raise ValueError(f"true points are not sampled: drop {name}, or truth: true")
        return self

    @property
    def real(self) -> bool:
        """Whether nothing is sampled, as of real images among pictures."""
        return self.truth


class PlaneTable(Strict):
    """A table of cells, and the pictures behind it."""

    title: str
    """Heading of the table."""
    world: str
    """Name under worlds: what is sampled, and where networks are trained."""
    seeds: Seeds | None = None
    """Sampling seeds, if others than the study's."""
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1)] = COLUMNS
    """Columns in order."""
    baseline: str
    """Row that differences are taken against, paired by seed."""
    rows: Annotated[dict[Name, PlaneRow], Field(min_length=1)]
    """Rows by name, in order: all of trained networks, which are repeated with each training seed,
    or all of exact ones, which are repeated with each sampling seed alone."""


class PlaneSweep(Strict):
    """Weights to try; `snakemake weights` compares them by energy distance.

    For each table, and each network in it, with every guidance of its rows that is named here.
    """

    seeds: Annotated[tuple[Seed, ...], Field(min_length=2), Distinct]
    """Sampling seeds, at least two, none of which a table uses."""
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1)] = COLUMNS
    """Columns of the tables."""
    weights: Annotated[
        dict[Name, Annotated[tuple[Tried, ...], Field(min_length=1)]], Field(min_length=1)
    ]
    """For each entry under guidance, the weights to try, as many for each: a number for all its
    windows, or a list with a number for each window."""

    layers: ClassVar[dict] = {}  # blocks are not tried: an exact network has one


class PlaneProbe(Probe):
    """Guidances of one network in one world, whose points are the truth."""

    world: str
    """Name under worlds."""

    def table(self) -> PlaneTable:
        """The table that it would be."""
        rows = self.rows(PlaneRow)
        given = {"world": self.world, "seeds": self.seeds, "columns": ("forwards",)}
        return PlaneTable(title=self.label, baseline=NONE, rows=rows, **given)


class PlaneFigure(Figure):
    """A figure of probes: `results/figures/<name>.png`."""

    draws: Literal["velocity", "stages", "norms", "guidance"]
    """velocity: distance to the true velocity, best weight and cosine over t.  stages: mean, norm
    and modes over t.  norms: norm and spread over the weight.  guidance: points and their ways."""


class PlaneParams(Strict):
    """Everything a part with points of two-dimensional worlds is made of."""

    part: Literal["planes"] = "planes"
    """Kind of this part of the study."""
    worlds: Annotated[dict[Name, World], Field(min_length=1)]
    """Worlds by name."""
    points: TrainingPoints
    """What networks are trained on."""
    models: dict[Name, MLPParams] = Field({})
    """Networks by name."""
    training: Training | None = None
    """How networks are trained, in each world that a table names them in; null: none are."""
    weak: dict[Name, WeakModel] = Field({})
    """Weak models by name."""
    exact: dict[Name, Errors] = Field({})
    """Networks that are exact but for known errors, by name."""
    guidance: dict[Name, Guidance] = Field({})
    """Guidance by name: one method, or a list of windows over t with one method each."""
    sampling: PlaneSampling
    """How the points of every row are drawn."""
    tables: Annotated[dict[Name, PlaneTable], Field(min_length=1)]
    """Tables by name."""
    sweep: PlaneSweep | None = None
    """What the weights under guidance are chosen by."""
    probes: dict[Name, PlaneProbe] = Field({})
    """Guidances whose velocities and ways are compared with the true ones."""
    figures: dict[Name, PlaneFigure] = Field({})
    """Figures of probes by name."""
    gpus: Annotated[int, Field(ge=0)] = 0
    """GPUs that a job which computes with networks asks a cluster for; 0: none."""
    cost: Cost | None = None
    """What a forward was measured to cost, for the estimates of `w2s plan`; one for all parts."""

    pretrained: ClassVar[dict] = {}  # what a part with pictures may have besides
    latent: ClassVar[tuple[int, int, int]] = POINT  # what networks read

    @property
    def recipes(self) -> dict:
        """Training recipes by name."""
        return self.training.recipes if self.training else {}

    @property
    def networks(self) -> dict:
        """What rows and guidances may name."""
        return {**self.recipes, **self.weak, **self.exact}


def find_worlds(params: PlaneParams, where: str) -> dict:
    """The data as `Part` holds them: nothing has to be looked up."""
    names = ", ".join(params.worlds)
    return {"name": f"two-dimensional worlds {names}", "fingerprint": None, "path": None}


def nothing_found(*_) -> dict:
    """No network and no file of the part is given by path."""
    return {}

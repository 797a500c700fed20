"""Parameters of a part with class-conditional pictures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from w2s.guidance.windows import Guidance
from w2s.metrics.settings import ColumnName, MetricSettings
from w2s.params.common import Arithmetic, Cost, Guided, Name, Published
from w2s.params.confirm import Confirm
from w2s.params.data import (
    DiffusersVAE,
    Dinov2OfPictures,
    Distinct,
    FolderData,
    ImagesReference,
    InceptionFeatures,
    Latents,
    Reference,
    Seed,
    ToyData,
    TrainedFeatures,
    TrainedVAE,
)
from w2s.params.models import EmaLength, Network, Training, WeakModel
from w2s.params.pretrained import Pretrained
from w2s.params.probes import Figure, Probe
from w2s.params.sweep import Sweep
from w2s.params.tune import Tune
from w2s.strict import Strict


class Sampling(Arithmetic):
    """How samples are drawn."""

    solver: Literal["euler", "heun", "sde", "ddpm"] = "euler"
    """ODE by Euler or Heun, the Euler-Maruyama SDE of arXiv 2401.08740, or DDPM with the variance
    that a DiT learned.  Euler is DDIM for a DiT."""
    steps: PositiveInt
    """Solver steps."""
    shift: Annotated[float, Field(ge=0.1, le=20)] = 1.0
    """Timestep shift of the time grid; 1 is uniform, 3 is that of SD3."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), Distinct]
    """Sampling seeds; each draws its own set."""
    per_seed: PositiveInt
    """Samples per seed."""
    shards: PositiveInt = 1
    """How many nodes share one sample set."""
    batch: PositiveInt
    """Fixed batch shape; part of the result, because rounding depends on it."""
    state: Literal["fp32", "fp64"] = "fp32"
    """Precision of x between solver steps; REPA's released samplers (2410.06940) keep fp64."""
    compile: bool = False
    """Whether to compile the networks' blocks, which then round differently."""
    labels: Literal["balanced", "random"] = "balanced"
    """Classes in turn, or drawn by seed."""
    ema: EmaLength = 0.08
    """Relative length of the weight average that is sampled."""


class Row(Guided):
    """One row of a table: a model and how it is guided, or real images."""

    model: str | None = None
    """A training recipe, a weak model, or a pretrained network."""
    real: bool = False
    """Instead of a model: held-out real images, as many as samples, which nothing can better."""
    solver: Literal["euler", "heun", "sde", "ddpm"] | None = None
    """Solver, if another than the study's."""
    published: dict[ColumnName, Published] = Field({})
    """Published numbers by column."""

    @model_validator(mode="after")
    def _one_source(self):
        if self.real == (self.model is not None):
            raise ValueError("give either model, or real: true for held-out real images")
        for name in ("guidance", "steps", "solver"):
            if self.real and getattr(self, name) is not None:
                raise ValueError(f"real images are not sampled: drop {name}, or real: true")
        return self


class Table(Strict):
    """A table of cells, and the pictures behind it."""

    title: str
    """Heading of the table."""
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1)]
    """Columns in order."""
    baseline: str
    """Row that differences are taken against, paired by seed."""
    rows: Annotated[dict[Name, Row], Field(min_length=1)]
    """Rows by name, in order."""


class PictureSweep(Sweep):
    """Weights and blocks that guidance methods are tried with, so many samples under each seed."""

    per_seed: PositiveInt
    """Samples per seed."""
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1)] = ("fd", "recall", "forwards")
    """Metrics of the table."""
    by: ColumnName = "fd"
    """The metric that values are chosen by; it is drawn against each other one."""

    def drawn(self):
        return super().drawn() | {"per_seed": self.per_seed}


class PictureTune(Tune):
    """A search over guidance, with so many samples under each seed."""

    per_seed: PositiveInt
    """Samples per seed."""
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1)] = ("fd", "recall", "forwards")
    """Columns of the table of all that was tried."""
    by: ColumnName = "fd"
    """The column that decides; it is drawn against each other one."""

    def drawn(self):
        return super().drawn() | {"per_seed": self.per_seed}


class PictureParams(Strict):
    """Everything a part with class-conditional pictures is made of."""

    part: Literal["pictures"] = "pictures"
    """Kind of this part of the study."""
    data: Annotated[ToyData | FolderData, Field(discriminator="kind")]
    """The images."""
    vae: Annotated[TrainedVAE | DiffusersVAE, Field(discriminator="kind")]
    """What encodes images to latents and decodes samples."""
    latents: Latents
    """The encoding."""
    features: Annotated[TrainedFeatures | InceptionFeatures, Field(discriminator="kind")]
    """The network whose features samples are compared in."""
    reference: Reference = ImagesReference(kind="images")
    """Real images to compare with."""
    dinov2: Dinov2OfPictures | None = None
    """The network of fd_dinov2, beside that under features; null: it is not measured.  Where its
    file is not there its column says so."""
    models: Annotated[dict[Name, Network], Field(min_length=1)]
    """Networks by name."""
    training: Training
    """How networks are trained."""
    pretrained: dict[Name, Pretrained] = Field({})
    """Networks that were trained elsewhere, by name."""
    weak: dict[Name, WeakModel] = Field({})
    """Weak models by name."""
    guidance: dict[Name, Guidance] = Field({})
    """Guidance by name: one method, or a list of windows over t with one method each."""
    sampling: Sampling
    """How the samples of every row are drawn."""
    metrics: MetricSettings
    """What is measured on samples."""
    tables: Annotated[dict[Name, Table], Field(min_length=1)]
    """Tables by name."""
    sweep: PictureSweep | None = None
    """What the weights under guidance are chosen by."""
    tune: PictureTune | None = None
    """The search for the values of every method, and its budget: `w2s tune`."""
    confirm: Confirm | None = None
    """Fresh seeds for what was tuned: `snakemake confirm`."""
    probes: dict[Name, Probe] = Field({})
    """Guidances whose velocities are compared with those that fit the training latents best."""
    figures: dict[Name, Figure] = Field({})
    """Figures of probes by name."""
    gpus: Annotated[int, Field(ge=0)] = 0
    """GPUs that a job which computes with networks asks a cluster for; 0: none."""
    cost: Cost | None = None
    """What a forward was measured to cost, for the estimates of `w2s plan`; one for all parts."""

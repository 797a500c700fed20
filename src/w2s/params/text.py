"""Parameters of a part with images of prompts."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Field, PositiveInt, Tag, model_validator

from w2s.conditions.prompt_files import FORMATS
from w2s.guidance.windows import Guidance
from w2s.metrics.registry import UNLABELLED
from w2s.metrics.score_registry import SCORES
from w2s.metrics.settings import MetricSettings
from w2s.models.sd3 import PUBLISHED
from w2s.params.common import Arithmetic, Cost, Guided, Name, Precision, Published
from w2s.params.confirm import Confirm
from w2s.params.data import Dinov2Features, Distinct, InceptionFeatures, Seed, TextReference
from w2s.params.sweep import Sweep
from w2s.params.tune import Tune
from w2s.params.world import Captions, TrainedPipeline, World
from w2s.pipelines.folder import MOST_TEXT_TOKENS
from w2s.strict import Strict

ScoreName = Literal[tuple(SCORES)]
ColumnName = Literal[(*SCORES, *UNLABELLED, "forwards")]
FilePath = Annotated[str, Field(min_length=1)]


class PromptFile(Strict):
    """A file of prompts, or a part of it."""

    path: FilePath
    """The file, relative to the working directory."""
    name: str | None = None
    """Name of the set in captions; the file's own name if null."""
    kind: Literal[FORMATS] | None = None
    """A prompt a line, a JSON object a line, or COCO's captions; null: as the file's name says."""
    count: PositiveInt | None = None
    """Use only so many; all if null."""
    seed: Seed | None = None
    """Take them in an order drawn by this seed; null: in that of the file.  COCO's captions, count
    1000 and seed 0 are what is called COCO-1K here."""
    fingerprint: str | None = None
    """Identity of the prompts; the hash of those that are used if null."""


class Encoding(Strict):
    """How prompts are encoded."""

    negative: str = ""
    """What stands for no prompt, for guidance that extrapolates from it."""
    precision: Precision = "fp32"
    """Weights and arithmetic of the text encoders."""
    batch: PositiveInt = 8
    """Prompts encoded at once; part of the result, because rounding depends on it."""


class PlannedNetwork(Strict):
    """What the network of a folder will be, to plan for it before the folder is there."""

    kind: Literal["sd3"] = "sd3"
    """The kind of network."""
    size: Literal[tuple(PUBLISHED)] | None = None
    """Published size; gives all the numbers."""
    depth: PositiveInt | None = None
    """Transformer blocks."""
    heads: PositiveInt | None = None
    """Attention heads."""
    head_width: PositiveInt = 64
    """Width of a head."""
    patch: PositiveInt = 2
    """Latent pixels per token along one side."""
    dual: Annotated[int, Field(ge=0)] = 0
    """Blocks with a second attention, the first ones."""
    shift: Annotated[float, Field(gt=0)] = 3.0
    """Shift of the folder's scheduler."""

    @model_validator(mode="after")
    def _one_way(self):
        if (self.size is None) == (self.depth is None or self.heads is None):
            raise ValueError("give either size, or both depth and heads")
        numbers = {"depth", "heads", "head_width", "patch", "dual"} & self.model_fields_set
        if self.size is not None and numbers:
            raise ValueError(f"size fixes {sorted(numbers)[0]}; leave it out or drop size")
        if self.depth is not None and self.dual > self.depth:
            raise ValueError(f"dual must be at most the depth of {self.depth} blocks")
        return self

    def config(self) -> dict:
        """The configuration of family sd3."""
        if self.size is not None:
            return {"kind": "sd3", **PUBLISHED[self.size]}
        return {"kind": "sd3", **PUBLISHED["sd3-medium"]} | {
            "num_layers": self.depth,
            "num_attention_heads": self.heads,
            "attention_head_dim": self.head_width,
            "caption_projection_dim": self.heads * self.head_width,
            "patch_size": self.patch,
            "dual_attention_layers": list(range(self.dual)),
        }


class Pipeline(Strict):
    """A pipeline of SD3 or SD3.5 in diffusers' layout: networks, VAE, text encoders, scheduler."""

    path: FilePath
    """The folder, relative to the working directory."""
    network: PlannedNetwork | None = None
    """What its network is, for plans without the folder; null: the folder says it."""
    t5: bool | None = None
    """Whether prompts pass through T5 as well; null: where the folder has one."""
    max_sequence_length: Annotated[int, Field(ge=1, le=MOST_TEXT_TOKENS)] | None = None
    """Tokens of T5's part of a prompt, zeros without T5; null: the model's own, else 256."""
    fingerprint: str | None = None
    """Identity of the folder's weights; hashed from the files if null."""


def _says(key: str):
    """Tells two kinds of block apart: "made" says this key, "given" does not."""

    def kind(block) -> str:
        said = key in block if isinstance(block, dict) else hasattr(block, key)
        return "made" if said else "given"

    return Discriminator(kind)


Prompts = Annotated[
    Annotated[PromptFile, Tag("given")] | Annotated[Captions, Tag("made")], _says("world")
]
Model = Annotated[
    Annotated[Pipeline, Tag("given")] | Annotated[TrainedPipeline, Tag("made")], _says("recipe")
]


class TextSampling(Arithmetic):
    """How images are drawn: Euler steps on the times of each pipeline's own scheduler."""

    steps: PositiveInt
    """Solver steps."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1), Distinct]
    """Sampling seeds; each draws its own images of all prompts."""
    per_prompt: PositiveInt = 1
    """Images of each prompt under each seed."""
    shards: PositiveInt = 1
    """How many nodes share one sample set."""
    batch: PositiveInt
    """Fixed batch shape; part of the result, because rounding depends on it."""


class Decoding(Strict):
    """How latents become images, by each pipeline's own VAE."""

    batch: PositiveInt = 1
    """Images decoded at once; part of the result, because rounding depends on it."""


class TextRow(Guided):
    """One row of a table: a pipeline and how it is guided."""

    real: ClassVar[bool] = False  # images of no prompt cannot stand beside those of prompts

    model: str
    """Name under models."""
    published: dict[ColumnName, Published] = Field({})
    """Published numbers by column."""


class TableFigure(Strict):
    """What the picture of a table shows beside its rows."""

    prompts: PositiveInt = 4
    """How many prompts, the first of the set, one image of each in every row."""


class TextTable(Strict):
    """A table of cells, and the images behind it."""

    title: str
    """Heading of the table."""
    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1)]
    """Columns in order, at least one of them a score or a metric."""
    baseline: str
    """Row that differences are taken against, paired by prompt in scores, by seed in metrics."""
    rows: Annotated[dict[Name, TextRow], Field(min_length=1)]
    """Rows by name, in order."""
    figure: TableFigure = TableFigure()
    """The images of its rows side by side."""


class TextSweep(Sweep):
    """Weights and blocks that guidance methods are tried with, on all prompts."""

    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1)]
    """Columns of the table."""
    by: ScoreName
    """The score that values are chosen by; it is drawn against each other one."""


class TextTune(Tune):
    """A search over guidance, on all prompts."""

    columns: Annotated[tuple[ColumnName, ...], Field(min_length=1)]
    """Columns of the table of all that was tried."""
    by: ColumnName
    """The column that decides; it is drawn against each other one."""


class TextParams(Strict):
    """Everything a part with images of prompts is made of."""

    part: Literal["text"] = "text"
    """Kind of this part of the study."""
    world: World | None = None
    """Pictures with captions, to train networks on; null: nothing is trained."""
    prompts: Prompts
    """What images are drawn of."""
    encoding: Encoding = Encoding()
    """The text encoders' work."""
    models: Annotated[dict[Name, Model], Field(min_length=1)]
    """Pipelines by name; a guidance may name another one as its weak network."""
    height: PositiveInt
    """Height of the images in pixels."""
    width: PositiveInt
    """Width of the images in pixels."""
    guidance: dict[Name, Guidance] = Field({})
    """Guidance by name: one method, or a list of windows over t with one method each."""
    sampling: TextSampling
    """How the images of every row are drawn."""
    decoding: Decoding = Decoding()
    """How they are decoded."""
    scores: dict[ScoreName, dict[str, FilePath | bool]] = Field({})
    """Paths of the files that scores read, by the score's name and the file's, and settings of
    scores by name (hps: antialias).  Where a file is not there its score says so in its column."""
    metrics: MetricSettings | None = None
    """What is measured on a seed's images as a set, against the reference; null: nothing."""
    features: InceptionFeatures | None = None
    """The network of these metrics; null: that of the world, which is the only one in a world."""
    dinov2: Dinov2Features | None = None
    """The network of fd_dinov2, beside the other; null: it is not measured."""
    reference: TextReference | None = None
    """Real images that sets are compared with; null: all of the world's."""
    tables: Annotated[dict[Name, TextTable], Field(min_length=1)]
    """Tables by name."""
    sweep: TextSweep | None = None
    """What the weights under guidance, and the blocks that it skips, are chosen by."""
    tune: TextTune | None = None
    """The search for the values of every method, and its budget: `w2s tune`."""
    confirm: Confirm | None = None
    """Fresh seeds for what was tuned: `snakemake confirm`."""
    gpus: Annotated[int, Field(ge=0)] = 0
    """GPUs that a job which computes with networks asks a cluster for; 0: none."""
    cost: Cost | None = None
    """What a forward was measured to cost, for the estimates of `w2s plan`; one for all parts."""


def columns_asked(
    params: TextParams, among: Container[str]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Those of some columns that tables, sweep and search have, each with its path."""
    shown = {("tables", name): table.columns for name, table in params.tables.items()}
    blocks = {"sweep": params.sweep, "tune": params.tune}
    shown |= {(name,): block.columns for name, block in blocks.items() if block}
    for at, columns in shown.items():
        for i, column in enumerate(columns):
            if column in among:
                yield (*at, "columns", i), column

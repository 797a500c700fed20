"""Parameters of a text part's own world: pictures with captions, and networks trained on them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from w2s.models.sd3 import SD3Params
from w2s.params.common import Name
from w2s.params.data import Latents, Seed, ToyData, TrainedFeatures, TrainedVAE
from w2s.params.models import EmaLength, Training
from w2s.strict import Strict
from w2s.world.words import LENGTH


class Towers(Strict):
    """Two text towers with random weights, which stay as they are."""

    width: PositiveInt
    """Width of each tower, of its tokens and of its pooled vector; a multiple of 2."""
    layers: PositiveInt
    """Transformer blocks of each tower."""
    seed: Seed = 0
    """Seed of their weights."""

    text: ClassVar[int] = 2 * LENGTH  # tokens: of CLIP's part, and as many zeros for T5's

    @property
    def both(self) -> int:
        """Width of the two side by side, as a transformer reads them."""
        return 2 * self.width


class TrainedClip(Strict):
    """A small CLIP trained on the spot, for the score clip_made."""

    width: PositiveInt
    """Width of both towers; a multiple of 4."""
    layers: PositiveInt
    """Transformer blocks of each tower."""
    patch: PositiveInt
    """Image pixels per token along one side."""
    steps: PositiveInt
    """Optimizer steps."""
    batch: PositiveInt
    """Images per step."""
    lr: PositiveFloat
    """Largest learning rate of a one-cycle schedule."""
    seed: Seed = 0
    """Seed of initial weights and batches."""


class World(Strict):
    """Pictures with captions, and the networks that are trained on them."""

    data: ToyData
    """The images."""
    vae: TrainedVAE
    """What encodes images to latents and decodes samples."""
    latents: Latents = Latents()
    """The encoding."""
    features: TrainedFeatures
    """The network that says what a sample shows, for the scores words and shape."""
    towers: Towers
    """What captions are read with."""
    clip: TrainedClip | None = None
    """What compares images with captions, for the score clip_made; null: nothing does."""
    models: Annotated[dict[Name, SD3Params], Field(min_length=1)]
    """Networks by name."""
    training: Training
    """How networks are trained, captions in the place of labels."""
    shift: PositiveFloat = 1.0
    """Timestep shift of the pipelines' scheduler; 1 is uniform, 3 is that of SD3."""

    weak: ClassVar[dict] = {}  # what the blocks above would name in a part with pictures
    pretrained: ClassVar[dict] = {}


class Captions(Strict):
    """The world's captions as prompts, each distinct one once, or some of them."""

    world: Literal[True]
    """Take the captions of the part's world instead of a file."""
    name: str | None = None
    """Name of the set in captions of tables; that of the world's images if null."""
    count: PositiveInt | None = None
    """Use only so many; all if null."""
    seed: Seed | None = None
    """Take them in an order drawn by this seed; null: in alphabetical order."""


class TrainedPipeline(Strict):
    """A pipeline whose transformer is trained here, in the part's world."""

    recipe: str
    """Name of a recipe under world.training."""
    fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    """Training step to take it from, as a share of the recipe's steps; null: the last."""
    ema: EmaLength = 0.08
    """Relative length of the weight average."""

    def at(self, steps: int) -> int:
        """The training step meant, in a recipe of so many."""
        return round((self.fraction or 1) * steps)

"""Parameters of images, latents, the VAE, feature networks and metrics."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from w2s.strict import Strict


def _distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    twice = [seed for i, seed in enumerate(seeds) if seed in seeds[:i]]
    if twice:
        raise ValueError(f"seed {twice[0]} is there twice; what it draws would count as new")
    return seeds


Seed = Annotated[int, Field(ge=0, lt=2**31)]
Distinct = AfterValidator(_distinct)
NonNegative = Annotated[float, Field(ge=0)]


class ToyData(Strict):
    """The miniature world: shapes in colours, rendered to PNG files in class folders."""

    kind: Literal["toy"]
    name: str = "mini world"
    """Name of the data set in captions."""
    resolution: Annotated[int, Field(ge=8, le=1024)]
    """Height and width of the images in pixels."""
    count: PositiveInt
    """How many images are rendered."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.25
    """How far position, rotation and stripe phase vary; the difficulty of the world."""
    seed: Seed = 0
    """Seed of what each image shows."""

    classes: ClassVar[int] = 30  # six shapes in five colours


class FolderData(Strict):
    """A folder with one sub-folder of images per class (PNG, JPEG or WebP), or a flat one."""

    kind: Literal["folder"]
    name: str | None = None
    """Name of the data set in captions; the folder's own name if null."""
    path: Annotated[str, Field(min_length=1)]
    """The folder, relative to the working directory."""
    resolution: Annotated[int, Field(ge=8, le=1024)]
    """Height and width to which images are cropped and resized, in pixels."""
    flat: bool = False
    """Whether the images lie in the folder itself, and are one class."""
    on_bad_file: Literal["refuse", "skip"] = "refuse"
    """Refuse a data set with unreadable files, or skip them and record which."""
    classes: PositiveInt | None = None
    """Number of classes; counted in the folder if null."""
    images: PositiveInt | None = None
    """Number of images, for estimates of disk space only."""
    held_out: NonNegativeInt = 0
    """How many images nothing is trained on or compared with: what rows with real: true show."""
    fingerprint: str | None = None
    """Identity of the content; hashed from the files if null (give one for very large sets)."""

    @model_validator(mode="after")
    def _one_class(self):
        if self.flat and self.classes not in (None, 1):
            raise ValueError(f"a flat folder is one class and not {self.classes}: leave out one")
        return self


class TrainedVAE(Strict):
    """A small AutoencoderKL trained on the spot."""

    kind: Literal["trained"]
    block_channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    """Channels per resolution level; each level after the first halves the size."""
    latent_channels: PositiveInt = 4
    """Channels of a latent."""
    layers: PositiveInt = 1
    """Residual layers per block."""
    norm_groups: PositiveInt = 4
    """Groups of each group normalisation; divides all block_channels."""
    steps: PositiveInt
    """Optimizer steps."""
    batch: PositiveInt = 8
    """Images per step."""
    lr: PositiveFloat = 3e-3
    """Learning rate."""
    mse_weight: NonNegative = 2.0
    """Weight of the squared error beside the absolute error, which has weight 1."""
    kl_weight: NonNegative = 5e-4
    """Weight of the mean KL divergence per latent dimension."""
    seed: Seed = 0
    """Seed of initial weights and batches."""


class DiffusersVAE(Strict):
    """A pretrained AutoencoderKL in diffusers' folder format."""

    kind: Literal["diffusers"]
    path: Annotated[str, Field(min_length=1)]
    """Folder with config.json and the weights."""
    fingerprint: str | None = None
    """Identity of the weights; hashed from the files if null."""
    downsample: PositiveInt = 8
    """Image pixels per latent pixel along one side."""
    latent_channels: PositiveInt = 4
    """Channels of a latent."""


class Latents(Strict):
    """How images are encoded."""

    flip: bool = False
    """Store the latents of the mirrored image too, for a random flip in training."""
    shards: PositiveInt = 1
    """How many nodes share the encoding."""
    batch: PositiveInt = 64
    """Images encoded at once."""


class TrainedFeatures(Strict):
    """A small convolutional network trained on the spot: features, class and attributes."""

    kind: Literal["trained"]
    width: PositiveInt = 32
    """Channels of the first stage; doubled in each of the next two."""
    images: PositiveInt = 50_000
    """Train on at most so many images."""
    steps: PositiveInt
    """Optimizer steps."""
    batch: PositiveInt = 128
    """Images per step."""
    lr: PositiveFloat = 4e-3
    """Learning rate."""
    seed: Seed = 0
    """Seed of initial weights and batches."""


class InceptionFeatures(Strict):
    """The Inception network of published FID values, from torch-fidelity's weights file."""

    kind: Literal["inception-v3-compat"]
    path: Annotated[str, Field(min_length=1)]
    """The weights file, in the format torch-fidelity downloads."""
    fingerprint: str | None = None
    """Identity of the weights; hashed from the file if null."""


class Dinov2Features(Strict):
    """DINOv2 ViT-L/14, from the file that its authors publish (arXiv 2304.07193)."""

    kind: ClassVar[str] = "dinov2"

    path: Annotated[str, Field(min_length=1)]
    """The weights file, dinov2_vitl14_pretrain.pth."""
    width: Annotated[PositiveInt, Field(multiple_of=64)] = 1024
    """Width of its tokens; a head of its attention has 64."""
    depth: PositiveInt = 24
    """Its blocks."""
    fingerprint: str | None = None
    """Identity of the weights; hashed from the file if null."""


class ImagesReference(Strict):
    """Images of the data set."""

    kind: Literal["images"]
    count: PositiveInt | None = None
    """How many, by a seeded choice; all if null."""
    seed: Seed = 0
    """Seed of the choice."""


class FolderReference(Strict):
    """Images of a folder, which nothing is trained on."""

    kind: Literal["folder"]
    path: Annotated[str, Field(min_length=1)]
    """The folder that they lie in (PNG, JPEG or WebP), relative to the working directory."""
    resolution: Annotated[int, Field(ge=8, le=1024)]
    """Height and width to which they are cropped and resized, in pixels."""
    count: PositiveInt | None = None
    """How many, by a seeded choice; all if null."""
    seed: Seed = 0
    """Seed of the choice."""
    fingerprint: str | None = None
    """Identity of the content; hashed from the files if null."""


class AdmReference(Strict):
    """The statistics of ImageNet's training set that published values are against."""

    kind: Literal["adm"]
    path: Annotated[str, Field(min_length=1)]
    """ADM's file VIRTUAL_imagenet256_labeled.npz."""
    fingerprint: str | None = None
    """Identity of the statistics; hashed from the file if null."""


def _images_unless_said(block):
    """A reference that names no kind is one of images."""
    return {"kind": "images"} | block if isinstance(block, dict) else block


_ImagesUnlessSaid = BeforeValidator(_images_unless_said)
Reference = Annotated[
    ImagesReference | AdmReference, Field(discriminator="kind"), _ImagesUnlessSaid
]
TextReference = Annotated[
    ImagesReference | FolderReference | AdmReference,
    Field(discriminator="kind"),
    _ImagesUnlessSaid,
]


class Dinov2OfPictures(Dinov2Features):
    """The same network, and what samples are compared with in its features."""

    reference: Annotated[ImagesReference, _ImagesUnlessSaid] | None = None
    """Images of the data set; null: those of the part's own reference.  Statistics that are
    published are of other features."""

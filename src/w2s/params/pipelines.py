"""What a text part's prompts and pipelines are on this machine, or will be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from w2s.errors import UserError
from w2s.metrics.registry import BY_DINOV2, UNLABELLED
from w2s.metrics.score_registry import SCORES
from w2s.models.sd3 import reading
from w2s.params.data import FolderReference
from w2s.params.files import KeyPath
from w2s.params.fingerprint import ABSENT, count_classes, fingerprint
from w2s.params.networks import latent_shape
from w2s.params.prompts import count_prompts
from w2s.params.text import Pipeline, TextParams
from w2s.params.world import Captions, TrainedPipeline, World
from w2s.pipelines.folder import CLIP_TOKENS, T5, PipelineFolder, read_folder
from w2s.strict import Strict
from w2s.world.words import LENGTH, distinct_captions

PLANNED_VAE = {  # of the released SD3 and SD3.5
    "latent_channels": 16,
    "block_out_channels": [128, 256, 512, 512],
    "scaling_factor": 1.5305,
    "shift_factor": 0.0609,
}
ENCODERS = ("tokenizer", "tokenizer_2", "text_encoder", "text_encoder_2")


def find_prompts(params: TextParams, where: str) -> dict:
    """The set of prompts: what it is called, how many it has, what they are, where it lies.

    The world's captions lie nowhere yet, and what they are is known by the world.
    where: the file and key that name it.

    Raises:
        UserError: the file is no such file, or is not there and nothing says how many it has.
    """
    asked = params.prompts
    if isinstance(asked, Captions):
        data = params.world.data
        count = asked.count or distinct_captions(data.count)
        name = asked.name or data.name
        return {"name": name, "path": None, "prompts": count, "fingerprint": None}
    path = Path(asked.path)
    found = {"name": asked.name or path.stem, "path": asked.path}
    if not path.exists():
        if asked.count is None:
            key = where.removesuffix("path") + "count"
            raise UserError(f"{key}: is missing: {path} is not there, and nothing says how many")
        print_of = asked.fingerprint or fingerprint(path)
        return found | {"prompts": asked.count, "fingerprint": print_of}
    try:
        number, digest = count_prompts(path, asked.kind, asked.count, asked.seed)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    return found | {"prompts": number, "fingerprint": asked.fingerprint or digest}


def find_pipelines(
    params: TextParams, data: dict, where: Callable[[KeyPath], str]
) -> dict[str, PipelineFolder]:
    """What each pipeline is, by name: as its folder says, or as it is planned without it.

    where: names the file and path of a key.

    Raises:
        UserError: a folder is none of a pipeline, or contradicts what the study says of it, or
            cannot draw images of this size; or the folder of a reference holds no images.
    """
    _refuse_no_images(params.reference, where)
    found = {}
    for name, block in params.models.items():
        if isinstance(block, TrainedPipeline):
            found[name] = _trained(params.world, block)
            continue
        there = Path(block.path).exists()
        try:
            folder = read_folder(Path(block.path)) if there else _planned(block)
            key, wrong = _mismatch(folder, block) if there else ("", "")
        except UserError as error:
            key, wrong = "network" if not there else "path", str(error)
        if wrong:
            raise UserError(f"{where(('models', name, key))}: {wrong}")
        for key, wrong in _sizes(folder, params.height, params.width):
            raise UserError(f"{where((key,))}: {wrong} of models.{name}")
        found[name] = folder if block.t5 is None else replace(folder, t5=block.t5)
    return found


def _refuse_no_images(reference, where: Callable[[KeyPath], str]) -> None:
    """UserError for a reference's folder that is there and does not hold images itself."""
    if not isinstance(reference, FolderReference) or not (path := Path(reference.path)).exists():
        return
    at = where(("reference", "path"))
    if path.is_dir() and any(entry.is_dir() for entry in path.glob("[!.]*")):
        raise UserError(f"{at}: {path} has sub-folders; give the folder that the images lie in")
    count_classes(path, at, flat=True)


def find_pipeline_files(params: TextParams) -> dict[str, str]:
    """Fingerprints of each pipeline's transformer, VAE and text encoders, and of scores' files."""
    found = {}
    given = {name: b for name, b in params.models.items() if isinstance(b, Pipeline)}
    for name, block in given.items():
        path = Path(block.path)
        t5 = (path / T5[0]).exists() if block.t5 is None else block.t5
        folders = {"transformer": ("transformer",), "vae": ("vae",), "text": ENCODERS}
        folders["text"] += T5 if t5 else ()
        for part, names in folders.items():
            prints = [block.fingerprint] if block.fingerprint else []
            prints = prints or [fingerprint(path / each) for each in names]
            found[f"models.{name}.{part}"] = _joined(prints) if len(prints) > 1 else prints[0]
    for score in params.scores:
        files = score_files(params, score).items()
        found |= {f"scores.{score}.{file}": fingerprint(Path(path)) for file, path in files}
    for name, block in _compared(params).items():
        found[name] = block.fingerprint or fingerprint(Path(block.path))
    return found


def _compared(params: TextParams) -> dict[str, Strict]:
    """What metrics read by path: the feature networks and the reference."""
    blocks = {name: getattr(params, name) for name in ("features", "dinov2", "reference")}
    return {name: block for name, block in blocks.items() if hasattr(block, "path")}


def score_files(params: TextParams, score: str) -> dict[str, str]:
    """Paths of the files that the study gives a score, by the file's name."""
    given = params.scores.get(score, {})
    return {name: value for name, value in given.items() if isinstance(value, str)}


def settings_of(params: TextParams, score: str) -> dict[str, bool]:
    """A score's settings, as the study has them or by default."""
    given = params.scores.get(score, {})
    return {name: given.get(name, default) for name, default in SCORES[score].settings.items()}


def lacking_files(params: TextParams, fingerprints: Mapping[str, str], column: str) -> list[str]:
    """Paths that a column is measured with and that are not there."""
    paths = {f"scores.{column}.{file}": p for file, p in score_files(params, column).items()}
    if column in UNLABELLED:
        other = "features" if column in BY_DINOV2 else "dinov2"
        paths = {name: block.path for name, block in _compared(params).items() if name != other}
    return [path for name, path in paths.items() if fingerprints[name].startswith(ABSENT)]


def prompt_length(folder: PipelineFolder, block: Pipeline | TrainedPipeline) -> int:
    """Tokens of T5's part of a prompt: as the study says, or the model."""
    return getattr(block, "max_sequence_length", None) or folder.max_sequence_length


def _joined(prints: list[str]) -> str:
    return hashlib.sha256("\n".join(prints).encode()).hexdigest()[:32]


def _planned(block: Pipeline) -> PipelineFolder:
    """A pipeline as the released ones are, but for its network."""
    if block.network is None:
        raise UserError(
            f"is missing: {block.path} is not there, and nothing says what its network is; say "
            "it, such as {size: sd3.5-medium}, or put the folder there"
        )
    scheduler = {"shift": block.network.shift}
    config = block.network.config()
    t5 = block.t5 is not False
    return PipelineFolder(Path(block.path), config, scheduler, PLANNED_VAE, CLIP_TOKENS, t5, {})


def _trained(world: World, block: TrainedPipeline) -> PipelineFolder:
    """A pipeline as it will be; its VAE has the latents' constants inside."""
    model = world.training.recipes[block.recipe].model
    channels = list(world.vae.block_channels)
    vae = {"latent_channels": world.vae.latent_channels, "block_out_channels": channels}
    vae |= {"scaling_factor": 1.0, "shift_factor": 0.0}
    network, scheduler = trained_network(world, model), {"shift": world.shift}
    return PipelineFolder(Path(), network, scheduler, vae, LENGTH, False, {})


def trained_network(world: World, model: str) -> dict:
    """The configuration of a network under the world's models, its prompts' widths included."""
    towers = world.towers
    prompts = reading(towers.text, towers.both, towers.both)
    return world.models[model].config(latent_shape(world), world.data.classes) | prompts


def _mismatch(folder: PipelineFolder, block: Pipeline) -> tuple[str, str]:
    """The key of the study that a folder contradicts, and how; empty where it agrees."""
    if block.t5 and not folder.t5:
        return "t5", f"there is no T5 in {block.path}; fetch it, or set t5 to false"
    planned = block.network.config() if block.network else {}
    for key, value in planned.items():
        if (there := folder.transformer.get(key)) != value:
            return "network", f"in {block.path} {key} is {there} and not {value}; drop network"
    shift = folder.scheduler.get("shift", 1.0)
    if block.network and shift != block.network.shift:
        return "network", f"the scheduler in {block.path} has shift {shift}; drop network"
    return "", ""


def _sizes(folder: PipelineFolder, height: int, width: int):
    """What is wrong with images of this size, by key."""
    patch, most = (folder.transformer[key] for key in ("patch_size", "pos_embed_max_size"))
    step = folder.pixels_per_latent * patch
    for key, size in {"height": height, "width": width}.items():
        if size % step:
            yield key, f"must be a multiple of {step}, the pixels of a token"
        elif size // step > most:
            yield key, f"must be at most {step * most}, the positions"


def latents_of(folder: PipelineFolder, params: TextParams) -> tuple[int, int, int]:
    """Channels, height and width of the latents."""
    factor = folder.pixels_per_latent
    return folder.transformer["in_channels"], params.height // factor, params.width // factor


def constants_of(vae: Mapping) -> tuple[float, float]:
    """Shift and scale between a VAE's latents and those that are drawn."""
    return vae.get("shift_factor") or 0.0, vae["scaling_factor"]

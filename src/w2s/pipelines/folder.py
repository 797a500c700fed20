"""Folders of SD3 and SD3.5 pipelines in diffusers' layout: read, or refused in one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from w2s.errors import UserError
from w2s.pipelines.times import check_scheduler
from w2s.pipelines.weight_files import WeightFiles, find_weights, read_json

PIPELINE = "StableDiffusion3Pipeline"
LAYOUT = (
    f"a folder of {PIPELINE} has model_index.json, and transformer, vae, scheduler, text_encoder, "
    "text_encoder_2, tokenizer and tokenizer_2 beside it"
)
NETWORKS = {  # library and class of each network; the last is optional
    "transformer": ("diffusers", "SD3Transformer2DModel"),
    "vae": ("diffusers", "AutoencoderKL"),
    "text_encoder": ("transformers", "CLIPTextModelWithProjection"),
    "text_encoder_2": ("transformers", "CLIPTextModelWithProjection"),
    "text_encoder_3": ("transformers", "T5EncoderModel"),
}
TOKENIZERS = {  # the files that make one of each, if tokenizer.json does not
    "tokenizer": ("vocab.json", "merges.txt"),
    "tokenizer_2": ("vocab.json", "merges.txt"),
    "tokenizer_3": ("spiece.model",),
}
T5 = ("text_encoder_3", "tokenizer_3")
CLIP_TOKENS = 77  # where the tokenizer does not say
TEXT_TOKENS = 256  # of T5's part of a prompt, where the model does not say: as the pipeline does
MOST_TEXT_TOKENS = 512  # which the pipeline takes
DEFAULTS = MappingProxyType(  # of the transformer's arguments
    {
        "sample_size": 128,
        "patch_size": 2,
        "in_channels": 16,
        "num_layers": 18,
        "attention_head_dim": 64,
        "num_attention_heads": 18,
        "joint_attention_dim": 4096,
        "caption_projection_dim": 1152,
        "pooled_projection_dim": 2048,
        "out_channels": 16,
        "pos_embed_max_size": 96,
        "dual_attention_layers": (),
        "qk_norm": None,
    }
)


@dataclass(frozen=True)
class PipelineFolder:
    """What a folder says before anything is loaded."""

    path: Path
    transformer: Mapping  # configuration of family sd3
    scheduler: Mapping  # scheduler_config.json
    vae: Mapping  # vae/config.json
    clip_tokens: int  # tokens of the CLIP part of a prompt
    t5: bool  # whether there is a T5
    weights: Mapping[str, WeightFiles]  # of each network

    @property
    def max_sequence_length(self) -> int:
        """Tokens of the T5 part of a prompt, zeros where there is no T5.

        A model that was trained with another number than the pipeline's usual one says so by
        `text_tokens`, those of CLIP and T5 together, in transformer/config.json.
        """
        return text_length(self.transformer, self.clip_tokens)

    @property
    def pixels_per_latent(self) -> int:
        """How many pixels a side of the images is longer than that of the latents."""
        return 2 ** (len(self.vae["block_out_channels"]) - 1)


def text_length(transformer: Mapping, clip_tokens: int) -> int:
    """Tokens of the T5 part of a prompt that a transformer's configuration asks for.

    Raises UserError for a number that the pipeline would not take.
    """
    length = transformer.get("text_tokens", clip_tokens + TEXT_TOKENS) - clip_tokens
    if not 1 <= length <= MOST_TEXT_TOKENS:
        raise UserError(
            f"transformer/config.json says text_tokens: {length + clip_tokens}, which leaves "
            f"{length} beside CLIP's {clip_tokens}: it must leave 1 to {MOST_TEXT_TOKENS}"
        )
    return length


def read_folder(path: Path) -> PipelineFolder:
    """What a pipeline's folder holds; nothing is loaded and nothing fetched.

    Raises:
        UserError: it is no such folder, a file is missing or not whole, the pipeline or one of its
            parts is of another class, or the parts do not fit together.
    """
    index = _index(path)
    t5 = _has_t5(path, index)
    networks = [name for name in NETWORKS if t5 or name not in T5]
    weights = {name: _network(path, name, index) for name in networks}
    for name in TOKENIZERS:
        if t5 or name not in T5:
            _check_tokenizer(path / name, TOKENIZERS[name])
    scheduler = _part(path, "scheduler/scheduler_config.json")
    transformer = _transformer(path / "transformer" / "config.json", weights["transformer"])
    vae = _vae(path / "vae" / "config.json", transformer)
    _check_text(path, transformer, t5)
    clip = read_json(path / "tokenizer" / "tokenizer_config.json").get("model_max_length")
    clip = clip if _is_count(clip) and clip <= MOST_TEXT_TOKENS else CLIP_TOKENS
    try:
        check_scheduler(scheduler)
        text_length(transformer, clip)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    return PipelineFolder(path, transformer, scheduler, vae, clip, t5, weights)


def _index(path: Path) -> dict:
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        raise UserError(f"{path} {what}: {LAYOUT}")
    if not (path / "model_index.json").is_file():
        modular = (path / "modular_model_index.json").is_file()
        other = ", and modular_model_index.json is another's" if modular else ""
        raise UserError(f"there is no {path / 'model_index.json'}{other}: {LAYOUT}")
    index = read_json(path / "model_index.json")
    if index.get("_class_name") != PIPELINE:
        raise UserError(
            f"{path / 'model_index.json'} is of {index.get('_class_name')}, not of {PIPELINE}: "
            "only pipelines of SD3 and SD3.5 are drawn from"
        )
    return index


def _has_t5(path: Path, index: Mapping) -> bool:
    """Whether there is a T5; UserError where only half of it is, or it is named and missing."""
    named = [name for name in T5 if index.get(name) not in (None, [None, None])]
    if len(named) == 1:
        raise UserError(
            f"{path / 'model_index.json'} names {named[0]} alone: T5 is both {' and '.join(T5)}"
        )
    for name in named:
        if not (path / name).is_dir():
            raise UserError(
                f"there is no {path / name}, which model_index.json names: fetch it, or set "
                f"{' and '.join(T5)} to [null, null] there to go without T5"
            )
    return bool(named)


def _network(path: Path, name: str, index: Mapping) -> WeightFiles:
    library, kind = NETWORKS[name]
    if index.get(name) != [library, kind]:
        raise UserError(
            f"{path / 'model_index.json'} says {name} is {index.get(name)}, but it must be "
            f"[{library}, {kind}], as in the released SD3 and SD3.5"
        )
    _part(path, f"{name}/config.json")
    return find_weights(path / name, library)


def _part(path: Path, name: str) -> dict:
    if not (path / name).is_file():
        raise UserError(f"there is no {path / name}: {LAYOUT}")
    return read_json(path / name)


def _check_tokenizer(folder: Path, files: tuple[str, ...]) -> None:
    if not (folder / "tokenizer_config.json").is_file():
        raise UserError(f"there is no {folder / 'tokenizer_config.json'}: {LAYOUT}")
    missing = [file for file in files if not (folder / file).is_file()]
    if missing and not (folder / "tokenizer.json").is_file():
        raise UserError(
            f"there is neither {folder / 'tokenizer.json'} nor {' and '.join(missing)}: fetch one"
        )


def _transformer(path: Path, weights: WeightFiles) -> dict:
    """The configuration of family sd3."""
    given = {key: value for key, value in read_json(path).items() if key[:1] != "_"}
    if unknown := sorted(given.keys() - DEFAULTS.keys() - {"text_tokens"}):
        raise UserError(f"{path}: {unknown[0]} is not an argument of an SD3 transformer: remove it")
    config = {**DEFAULTS, **given}
    for key, value in config.items():
        if key not in ("dual_attention_layers", "qk_norm") and not _is_count(value):
            raise UserError(f"{path}: {key} must be a whole number above 0, not {value!r}")
    dual, depth = config["dual_attention_layers"], config["num_layers"]
    if not isinstance(dual, list | tuple) or any(i not in range(depth) for i in dual):
        raise UserError(f"{path}: dual_attention_layers must list blocks from 0 to {depth - 1}")
    config["dual_attention_layers"] = list(dual)
    found = {re.match(r"transformer_blocks\.(\d+)\.", name) for name in weights.tensors}
    blocks = len({match[1] for match in found if match})
    if blocks != depth:
        raise UserError(f"{path} says {depth} blocks and the weights beside it have {blocks}")
    return {"kind": "sd3", **config}


def _is_count(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _vae(path: Path, transformer: Mapping) -> dict:
    config = read_json(path)
    channels = {"vae": config.get("latent_channels"), "transformer": transformer["in_channels"]}
    if len({*channels.values(), transformer["out_channels"]}) > 1:
        raise UserError(
            f"{path} makes latents of {channels['vae']} channels, and the transformer takes "
            f"{channels['transformer']} and gives {transformer['out_channels']}: they do not fit"
        )
    scale, shift = config.get("scaling_factor"), config.get("shift_factor")
    if not isinstance(scale, int | float) or not scale > 0:
        raise UserError(f"{path}: scaling_factor must be a number above 0, not {scale!r}")
    if not isinstance(shift, int | float | None):
        raise UserError(f"{path}: shift_factor must be a number or null, not {shift!r}")
    if not isinstance(config.get("block_out_channels"), list):
        raise UserError(f"{path}: block_out_channels must list the channels of each scale")
    return config


def _check_text(path: Path, transformer: Mapping, t5: bool) -> None:
    """Refuse text encoders whose outputs are not as wide as what the transformer takes."""
    clips = [read_json(path / name / "config.json") for name in ("text_encoder", "text_encoder_2")]
    pooled = [clip.get("projection_dim", 512) for clip in clips]  # 512: the class's default
    wide = transformer["pooled_projection_dim"]
    if sum(pooled) != wide:
        raise UserError(
            f"{path}: text_encoder and text_encoder_2 give {pooled[0]} and {pooled[1]} pooled "
            f"values, and the transformer takes {wide}: they do not fit"
        )
    model = read_json(path / "text_encoder_3" / "config.json").get("d_model") if t5 else None
    if t5 and model != transformer["joint_attention_dim"]:
        raise UserError(
            f"{path}: text_encoder_3 gives tokens of width {model}, and the transformer takes "
            f"{transformer['joint_attention_dim']}: they do not fit"
        )

"""The networks of a pipeline folder, loaded offline: one at a time, or as a whole pipeline."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING

from torch import nn

from w2s.errors import UserError
from w2s.models.precision import DTYPES
from w2s.pipelines.folder import NETWORKS, T5, TOKENIZERS, PipelineFolder

if TYPE_CHECKING:  # importing diffusers takes ten seconds
    from diffusers import StableDiffusion3Pipeline


def load_network(folder: PipelineFolder, name: str, precision: str = "fp32") -> nn.Module:
    """The network `name` (transformer, vae, text_encoder, ...), on the CPU, for inference.

    precision: of its weights: fp32, bf16 or fp16.

    Raises UserError where the weights are not those of its configuration.
    """
    library, kind = NETWORKS[name]
    place = folder.path / name
    try:
        net, report = getattr(import_module(library), kind).from_pretrained(
            place,
            dtype=DTYPES[precision],
            variant=folder.weights[name].variant,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError) as error:
        first = str(error).strip().partition("\n")[0]
        raise UserError(f"{place} cannot be loaded: {first}") from error
    if missing := sorted(report["missing_keys"]):
        raise UserError(
            f"the weights in {place} lack {missing[0]}, which its config.json asks for: fetch both "
            "again"
        )
    return net.eval().requires_grad_(False)


def load_text(
    folder: PipelineFolder, precision: str = "fp32", t5: bool = True
) -> StableDiffusion3Pipeline:
    """Text encoders and tokenizers alone, as a pipeline without transformer and VAE.

    t5: whether to use the folder's T5, if it has one; without it its tokens are zeros.
    """
    parts = _text(folder, precision, t5)
    return _pipeline(folder, transformer=None, vae=None, **parts)


def load_pipeline(
    folder: PipelineFolder, precision: str = "fp32", t5: bool = True
) -> StableDiffusion3Pipeline:
    """The whole pipeline, equal to what `from_pretrained` makes where that can open the folder."""
    parts = {name: load_network(folder, name, precision) for name in ("transformer", "vae")}
    return _pipeline(folder, **parts, **_text(folder, precision, t5))


def _text(folder: PipelineFolder, precision: str, t5: bool) -> dict:
    import transformers

    parts: dict = dict.fromkeys((*TOKENIZERS, *(n for n in NETWORKS if n.startswith("text"))))
    kinds = {"tokenizer_3": transformers.T5TokenizerFast}
    for name in parts:
        if name in T5 and not (t5 and folder.t5):
            continue
        if name in TOKENIZERS:
            kind = kinds.get(name, transformers.CLIPTokenizer)
            parts[name] = _tokenizer(folder, name, kind)
        else:
            parts[name] = load_network(folder, name, precision)
    return parts


def _tokenizer(folder: PipelineFolder, name: str, kind: type):
    length = {} if name in T5 else {"model_max_length": folder.clip_tokens}
    try:
        return kind.from_pretrained(folder.path / name, local_files_only=True, **length)
    except Exception as error:  # the tokenizers' library raises no narrower class
        first = str(error).strip().partition("\n")[0]
        raise UserError(f"{folder.path / name} cannot be loaded: {first}") from error


def _pipeline(folder: PipelineFolder, **parts) -> StableDiffusion3Pipeline:
    from diffusers import FlowMatchEulerDiscreteScheduler, StableDiffusion3Pipeline

    scheduler = FlowMatchEulerDiscreteScheduler.from_config(dict(folder.scheduler))
    pipe = StableDiffusion3Pipeline(scheduler=scheduler, **parts)
    if pipe.transformer is None:  # the width of absent T5 tokens is read from its configuration
        pipe.transformer = SimpleNamespace(config=SimpleNamespace(**folder.transformer))
    return pipe

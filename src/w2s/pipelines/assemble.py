"""Kind `pipeline`: an SD3 trained here as a folder that stock diffusers opens."""

from __future__ import annotations

import shutil

import numpy as np
import torch
from torch import Tensor, nn

from w2s.data.latents import Latents
from w2s.files import write_json
from w2s.job import Job
from w2s.models.load import load
from w2s.models.vae import load_vae

TEXT = ("tokenizer", "tokenizer_2", "text_encoder", "text_encoder_2")
ABSENT = ("feature_extractor", "image_encoder", "text_encoder_3", "tokenizer_3")


def build(job: Job) -> None:
    """Write the files of a pipeline in the layout of the released SD3.

    Spec: shift of the scheduler; text_tokens, of CLIP and of zeros in T5's place, which the
    transformer was trained with.  Parents: weights (the transformer), towers, vae, latents.

    SD3's pipelines scale latents by two numbers, and those trained on here by two per channel:
    these go into the 1 x 1 convolutions around the latents, so that the pipeline's are 1 and 0.
    """
    from diffusers import FlowMatchEulerDiscreteScheduler

    out, spec = job.out, job.spec
    transformer = load(job.parent("weights")).transformer
    transformer.register_to_config(text_tokens=spec["text_tokens"], _name_or_path="")
    transformer.save_pretrained(out / "transformer")
    vae = load_vae(job.parent("vae"))
    latents = Latents(job.parents["latents"])
    scaled(vae, latents.shift, latents.scale)
    vae.register_to_config(scaling_factor=1.0, shift_factor=0.0, _name_or_path="")
    vae.save_pretrained(out / "vae")
    FlowMatchEulerDiscreteScheduler(shift=spec["shift"]).save_pretrained(out / "scheduler")
    for name in TEXT:
        shutil.copytree(job.parent("towers") / name, out / name)
    parts = {name: ["transformers", "CLIPTokenizer"] for name in TEXT[:2]}
    parts |= {name: ["transformers", "CLIPTextModelWithProjection"] for name in TEXT[2:]}
    parts |= {
        "transformer": ["diffusers", "SD3Transformer2DModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    }
    parts |= {name: [None, None] for name in ABSENT}
    heading = {"_class_name": "StableDiffusion3Pipeline"}
    write_json(out / "model_index.json", heading | dict(sorted(parts.items())))


@torch.no_grad()
def scaled(vae: nn.Module, shift: np.ndarray, scale: np.ndarray) -> None:
    """Make an autoencoder's latents ``(z - shift) * scale``, per channel (C,), inside of it."""
    shift, scale = torch.from_numpy(shift), torch.from_numpy(scale)
    into, outof = vae.quant_conv, vae.post_quant_conv
    mean, deviation = slice(0, len(scale)), slice(len(scale), None)  # of the posterior; log var
    into.weight[mean] *= _column(scale)
    into.bias[mean] = (into.bias[mean] - shift) * scale
    into.bias[deviation] += 2 * scale.log()
    outof.bias += outof.weight[:, :, 0, 0] @ shift
    outof.weight /= scale[:, None, None]


def _column(values: Tensor) -> Tensor:
    return values[:, None, None, None]

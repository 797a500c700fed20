"""What `draw` cannot do, or would ignore, is one sentence before anything runs."""

from types import SimpleNamespace

import pytest
import torch
from diffusers import DDIMScheduler, FlowMatchHeunDiscreteScheduler
from tiny_sd3 import CLIP_WIDTHS, LATENT, SIDE, T5_WIDTH, pipeline, transformer

from w2s.errors import UserError
from w2s.pipelines.draw import draw

CFG = {"method": "cfg", "weight": 2}
AG = {"method": "autoguidance", "weight": 2, "weak": "small"}
TEXT, POOLED = torch.zeros(2, 5, T5_WIDTH), torch.zeros(2, sum(CLIP_WIDTHS))
EMBEDS = {"prompts": None, "prompt_embeds": TEXT, "pooled_prompt_embeds": POOLED}
NEGATIVE = {"negative_prompt_embeds": TEXT, "negative_pooled_prompt_embeds": POOLED}
REFUSED = {
    "nothing": ({"prompts": None}, "give prompts, or prompt_embeds"),
    "no prompts": ({"prompts": []}, "there are no prompts"),
    "numbers": ({"prompts": [1, 2]}, "must be text"),
    "both": ({"prompt_embeds": TEXT}, "give either prompts or embeddings"),
    "both negatives": (NEGATIVE, "give either prompts or embeddings"),
    "half of the embeddings": (EMBEDS | {"pooled_prompt_embeds": None}, "pooled_prompt_embeds is"),
    "half of the negative": (
        EMBEDS | NEGATIVE | {"negative_prompt_embeds": None},
        "negative_prompt_embeds is missing",
    ),
    "no negative": (
        EMBEDS | {"guidance": CFG},
        "extrapolates from the negative prompt: give negative_prompt_embeds",
    ),
    "wide embeddings": (EMBEDS | {"prompt_embeds": TEXT[:, :, 1:]}, r"must be \(n, tokens, 24\)"),
    "wide pooled": (EMBEDS | {"pooled_prompt_embeds": POOLED[:, 1:]}, r"and \(n, 20\)"),
    "many negatives": (
        EMBEDS | NEGATIVE | {"prompt_embeds": TEXT[:1].repeat(3, 1, 1)},
        r"prompt_embeds is \(3, 5, 24\)",
    ),
    "negatives for others": (
        EMBEDS | {k: torch.cat([v, v[:1]]) for k, v in NEGATIVE.items()},
        "negative_prompt_embeds has 3 rows and prompt_embeds 2",
    ),
    "negative prompts for others": (
        {"negative_prompt": ["a", "b", "c"]},
        "3 negative prompts for 1 prompts",
    ),
    "method": ({"guidance": {"method": "cgf", "weight": 2}}, "guidance: method: must be one of"),
    "weight": ({"guidance": [CFG | {"weight": -1}]}, r"guidance: \[0\].weight: must be at least 0"),
    "no mapping": ({"guidance": "cfg"}, "guidance: must be a list"),
    "overlap": ({"guidance": [CFG, CFG]}, "two windows overlap"),
    "too many steps": ({"guidance": CFG | {"steps": [0, 5]}}, "there are only 2 steps"),
    "no such block": (
        {"guidance": {"method": "skip_layer", "weight": 2, "blocks": [4]}},
        "whose blocks are 0 to 3",
    ),
    "a mid head": ({"guidance": {"method": "internal", "weight": 2}}, "mid head of network 'main'"),
    "no weak network": ({"guidance": AG}, "network 'small': give it as weak, where there is none"),
    "another weak network": (
        {"guidance": AG, "weak": {"tiny": transformer()}},
        "network 'small': give it as weak, where there is tiny",
    ),
    "weak in another precision": (
        {"guidance": AG, "weak": {"small": transformer().bfloat16()}},
        "is torch.bfloat16 and the transformer torch.float32",
    ),
    "steps": ({"steps": 0}, "steps must be a whole number above 0, not 0"),
    "half steps": ({"steps": 2.5}, "steps must be a whole number"),
    "batch": ({"batch": -1}, "batch must be"),
    "images": ({"images_per_prompt": True}, "images_per_prompt must be"),
    "length": ({"max_sequence_length": 513}, "max_sequence_length is 513: it is 1 to 512"),
    "height": ({"height": 17}, "height is 17: give a multiple of 2"),
    "width": ({"width": 18}, "width of the latents would be 9: the transformer takes multiples"),
    "too large": ({"width": 52}, "multiples of 2 up to 24"),
    "too small": ({"height": 0}, "would be 0"),
    "output": ({"output": "pil"}, "output is 'pil': it is images or latents"),
    "device": ({"offload": "cuda:9"}, "device is 'cuda:9'"),
    "few latents": (
        {"latents": torch.zeros(1, LATENT, SIDE, SIDE), "images_per_prompt": 2},
        r"latents are \(1, 4, 8, 8\) and must be \(2, 4, 8, 8\)",
    ),
    "two sizes": (
        {"latents": torch.zeros(1, LATENT, SIDE, SIDE), "height": 16},
        "latents .* say how large the images are",
    ),
    "flat latents": ({"latents": torch.zeros(4, 8, 8)}, "latents"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_bad_arguments(what):
    given, says = REFUSED[what]
    arguments = {"prompts": "red star", "steps": 2, "max_sequence_length": 8, "progress": False}
    with pytest.raises(UserError, match=says):
        draw(pipeline(), **arguments | given)


def other(**parts):
    pipe = pipeline()
    parts = {name: getattr(pipe, name) for name in ("transformer", "scheduler", "vae")} | parts
    return SimpleNamespace(vae_scale_factor=2, **parts)


def shifted():
    scheduler = pipeline().scheduler.from_config(pipeline().scheduler.config)
    scheduler.set_shift(6.0)
    return scheduler


def hooked():
    net = transformer()
    net.register_forward_pre_hook(lambda *_: None)
    return net


PIPES = {
    "no transformer": (lambda: other(transformer=None), "has no transformer"),
    "no scheduler": (lambda: other(scheduler=None), "has no scheduler"),
    "no VAE": (lambda: other(vae=None), "no VAE to decode with"),
    "no text encoders": (lambda: other(), "no text encoders: give prompt_embeds"),
    "ControlNet": (lambda: other(controlnet=transformer()), "ControlNet, which would be ignored"),
    "hooks": (lambda: other(transformer=hooked()), "hooks on its forward pass"),
    "another precision": (
        lambda: other(transformer=transformer().double()),
        "weights are torch.float64",
    ),
    "DDIM": (lambda: other(scheduler=DDIMScheduler()), "DDIMScheduler, which is not the flow"),
    "Heun": (lambda: other(scheduler=FlowMatchHeunDiscreteScheduler()), "FlowMatchHeunDiscrete"),
    "a shift set by hand": (lambda: other(scheduler=shifted()), "was set to 6.0 and its config"),
}


@pytest.mark.parametrize("what", PIPES)
def test_bad_pipelines(what):
    make, says = PIPES[what]
    with pytest.raises(UserError, match=says):
        draw(make(), "red star", steps=2, progress=False)


def test_weak_networks_of_other_latents():
    from diffusers import SD3Transformer2DModel

    config = dict(pipeline().transformer.config) | {"in_channels": 16, "out_channels": 16}
    net = SD3Transformer2DModel.from_config(config)
    with pytest.raises(UserError, match="in_channels 16 and the transformer 4"):
        draw(pipeline(), "red", guidance=AG, weak={"small": net}, steps=2, progress=False)

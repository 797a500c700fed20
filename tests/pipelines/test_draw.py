"""`draw`: equal to the stock pipeline where that is right, and what it does beyond it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from tiny_sd3 import CLIP_LENGTH, LATENT, SIDE, pipeline, transformer

from w2s.conditions.prompts import prompt_samples
from w2s.pipelines.draw import draw
from w2s.pipelines.encoding import encode
from w2s.pipelines.folder import read_folder
from w2s.pipelines.loading import load_pipeline
from w2s.sampling.noise import initial_noise

PROMPTS = ["small red star", "large blue ring on navy"]
LENGTH, STEPS = 12, 20
CFG = {"method": "cfg", "weight": 4.5}
SLG = {"method": "skip_layer", "weight": 3.8, "cfg": 4.5, "blocks": [1, 2]}
SGG = [CFG | {"steps": [0, 10]}, SLG | {"cfg": 1.0, "steps": [10, 20]}]
CASES = {  # this project's guidance, and the stock pipeline's; its windows of steps are open
    "none": ([], {"guidance_scale": 1.0}),
    "CFG": (CFG, {"guidance_scale": 4.5}),
    "CFG and SLG": (
        [CFG | {"steps": [0, 1]}, SLG | {"steps": [1, 4]}, CFG | {"steps": [4, STEPS]}],
        {
            "guidance_scale": 4.5,
            "skip_guidance_layers": [1, 2],
            "skip_layer_guidance_scale": 2.8,
            "skip_layer_guidance_start": 0.01,
            "skip_layer_guidance_stop": 0.2,
        },
    ),
}
QUICK = {"steps": 4, "max_sequence_length": LENGTH, "progress": False}


def noise(n=2, height=SIDE, width=SIDE):
    return torch.randn(n, LATENT, height, width, generator=torch.Generator().manual_seed(5))


def stock(pipe, prompts=PROMPTS, **given):
    """The stock pipeline's latents or, with its output_type, images."""
    pipe.set_progress_bar_config(disable=True)
    given = {"output_type": "latent", "num_inference_steps": STEPS} | given
    return pipe(prompts, max_sequence_length=LENGTH, **given).images


def latents(pipe, prompts=PROMPTS, **given):
    return draw(pipe, prompts, **QUICK | {"output": "latents"} | given).latents


def apart(one, other):
    """The largest difference, relative to the largest value."""
    return ((one - other).abs().max() / one.abs().max()).item()


@pytest.mark.parametrize("kind", ["sd3", "sd3.5"])
@pytest.mark.parametrize("t5", [False, True], ids=["without T5", "with T5"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("size", [(SIDE, SIDE), (6, 12), (12, 4)], ids=["square", "wide", "tall"])
def test_it_is_the_stock_pipeline_where_that_is_right(kind, t5, case, size):
    """Measured: 1.3e-6 at most."""
    pipe, x = pipeline(kind, t5), noise(2, *size)
    guidance, arguments = CASES[case]
    want = stock(pipe, latents=x, height=2 * size[0], width=2 * size[1], **arguments)
    found = draw(pipe, PROMPTS, guidance=guidance, latents=x, **QUICK | {"steps": STEPS})
    assert apart(want, found.latents) < 1e-5
    assert found.images.shape == (2, 2 * size[0], 2 * size[1], 3)


@pytest.mark.parametrize("shifting", [{"use_dynamic_shifting": True}, {"use_karras_sigmas": True}])
def test_it_follows_the_scheduler(shifting):
    pipe = pipeline()
    other = type(pipe)(**pipe.components)
    other.scheduler = pipe.scheduler.from_config(pipe.scheduler.config, **shifting)
    want = stock(other, latents=noise(2, 6, 12), height=12, width=24, guidance_scale=4.5)
    found = latents(other, guidance=CFG, latents=noise(2, 6, 12), steps=STEPS)
    assert apart(want, found) < 1e-5
    assert apart(found, latents(pipe, guidance=CFG, latents=noise(2, 6, 12), steps=STEPS)) > 1e-3


def test_images_are_those_of_the_stock_pipeline():
    pipe = pipeline()
    want = stock(pipe, latents=noise(), guidance_scale=4.5, output_type="np")
    found = draw(pipe, PROMPTS, guidance=CFG, latents=noise(), **QUICK | {"steps": STEPS})
    assert found.images.dtype == np.uint8
    assert np.abs(found.images / 255 - want).max() <= 0.5 / 255 + 1e-5


def test_a_negative_prompt_stands_in_for_the_empty_one():
    pipe = pipeline(t5=True)
    arguments = {"latents": noise(), "guidance_scale": 4.5}
    for negative in ("striped", ["striped", "olive star"]):
        stocks = [negative] * 2 if isinstance(negative, str) else negative
        want = stock(pipe, negative_prompt=stocks, num_inference_steps=4, **arguments)
        found = latents(pipe, guidance=CFG, negative_prompt=negative, latents=noise())
        assert apart(want, found) < 1e-5
    assert apart(found, latents(pipe, guidance=CFG, latents=noise())) > 1e-2


def test_what_was_done_is_told():
    drawn = draw(pipeline(), PROMPTS, guidance=SGG, **QUICK | {"steps": STEPS})
    # skipping blocks 1 and 2 of 4 leaves block 3 to run again
    assert drawn.forwards == pytest.approx(10 * 2 + 10 * (1 + 1 / 4))
    assert len(drawn.times) == STEPS + 1
    assert [w["steps"] for w in drawn.windows] == [[0, 10], [10, 20]]
    assert drawn.windows[0]["window"] == [drawn.times[10], 1.0]
    assert drawn.truncated == [{}, {}]
    long = draw(pipeline(), " ".join(["star"] * 20), output="latents", **QUICK)
    assert long.truncated == [{"clip": 22 - CLIP_LENGTH}]
    assert long.images is None


def test_embeddings_need_a_transformer_and_a_scheduler_alone():
    pipe = pipeline("sd3.5", t5=True)
    bare = SimpleNamespace(transformer=pipe.transformer, scheduler=pipe.scheduler)
    given, null = encode(pipe, PROMPTS, LENGTH), encode(pipe, [""], LENGTH)
    arguments = {"prompt_embeds": given.text, "pooled_prompt_embeds": given.pooled}
    negative = {
        "negative_prompt_embeds": null.text,
        "negative_pooled_prompt_embeds": null.pooled,
    }
    found = latents(bare, None, guidance=SGG[0], latents=noise(), **arguments, **negative, steps=10)
    assert torch.equal(found, latents(pipe, guidance=SGG[0], latents=noise(), steps=10))
    unguided = latents(bare, None, latents=noise(), **arguments)
    assert torch.equal(unguided, latents(pipe, latents=noise()))


def test_negative_embeddings_may_be_shorter():
    pipe = pipeline(t5=True)
    given, null = encode(pipe, PROMPTS, LENGTH), encode(pipe, [""], 3)
    found = latents(
        pipe,
        None,
        guidance=CFG,
        latents=noise(),
        prompt_embeds=given.text,
        pooled_prompt_embeds=given.pooled,
        negative_prompt_embeds=null.text,
        negative_pooled_prompt_embeds=null.pooled,
    )
    assert found.isfinite().all()
    assert apart(found, latents(pipe, guidance=CFG, latents=noise())) > 1e-5


@pytest.mark.parametrize("guidance", [[], CFG, SGG[1] | {"steps": [0, 4]}])
def test_a_batch_is_as_good_as_single_images(guidance):
    """Rounding alone differs: measured 1.3e-6 at most."""
    prompts = [*PROMPTS, "", "striped olive"]
    pipe = pipeline("sd3.5")
    together = latents(pipe, prompts, guidance=guidance)
    for row, prompt in enumerate(prompts):
        alone = latents(pipe, prompt, guidance=guidance)
        assert apart(together[row : row + 1], alone) < 1e-5
    filled = latents(pipe, prompts, guidance=guidance, batch=3)  # the last has one image
    assert apart(together, filled) < 1e-5


def test_other_prompts_change_no_noise():
    pipe = pipeline()
    samples = prompt_samples(PROMPTS, [7], 3)
    whole = latents(pipe, seed=7, images_per_prompt=3, batch=1)
    first = initial_noise(samples, (LATENT, SIDE, SIDE))
    given = latents(pipe, [PROMPTS[0]] * 3 + [PROMPTS[1]] * 3, latents=first, batch=1)
    assert torch.equal(whole, given)
    last = latents(pipe, PROMPTS[1:], seed=7, images_per_prompt=2, batch=1)
    assert torch.equal(whole[3:5], last)
    assert not torch.equal(last, latents(pipe, PROMPTS[1:], seed=8, images_per_prompt=2, batch=1))


def test_another_network_can_be_the_weak_one():
    pipe, weak = pipeline(), transformer(seed=1)
    guidance = {"method": "autoguidance", "weight": 2.0, "weak": "small"}
    for given in (weak, SimpleNamespace(transformer=weak)):
        found = draw(pipe, PROMPTS, guidance=guidance, weak={"small": given}, **QUICK)
        assert found.forwards == pytest.approx(2 * 4)
    assert apart(latents(pipe), found.latents) > 1e-3
    same = latents(pipe, guidance=guidance, weak={"small": pipe.transformer})
    assert apart(latents(pipe), same) < 1e-5


@pytest.mark.parametrize(("precision", "most"), [("bf16", 0.1), ("fp16", 0.01)])
def test_precision_is_that_of_the_pipeline(saved, precision, most):
    """Unguided, against fp32: measured 0.011 and 0.0013 of the largest value."""
    pipe = load_pipeline(read_folder(saved("sd3.5")), precision)
    drawn = draw(pipe, PROMPTS, latents=noise(), **QUICK)
    assert drawn.latents.dtype == torch.float32
    assert 0 < apart(latents(pipeline("sd3.5"), latents=noise()), drawn.latents) < most
    assert pipe.transformer.dtype == {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]


@pytest.mark.parametrize("saved_first", [False, True])
def test_a_lora_holds(saved, tmp_path, saved_first):
    pipe = load_pipeline(read_folder(saved()))
    plain = latents(pipe, latents=noise())
    torch.manual_seed(1)
    lora = LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False)
    pipe.transformer.add_adapter(lora)
    if saved_first:
        weights = get_peft_model_state_dict(pipe.transformer)
        pipe.save_lora_weights(tmp_path, transformer_lora_layers=weights)
        pipe = load_pipeline(read_folder(saved()))
        pipe.load_lora_weights(tmp_path)
    tuned = latents(pipe, latents=noise())
    want = stock(pipe, latents=noise(), guidance_scale=1.0, num_inference_steps=4)
    assert apart(want, tuned) < 1e-5
    assert apart(plain, tuned) > 1e-2

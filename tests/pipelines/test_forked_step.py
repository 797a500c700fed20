"""The denoising step that forks: what it costs, where it goes, what it refuses."""

import pytest
import torch
from diffusers import FlowMatchHeunDiscreteScheduler
from diffusers.guiders import ClassifierFreeGuidance
from diffusers.modular_pipelines.stable_diffusion_3.denoise import StableDiffusion3DenoiseStep
from diffusers.modular_pipelines.stable_diffusion_3.encoders import StableDiffusion3TextEncoderStep
from diffusers.modular_pipelines.stable_diffusion_3.modular_blocks_stable_diffusion_3 import (
    StableDiffusion3AutoBlocks,
)
from modular_runs import LAYERS, close, draw, inputs, networks, pipe
from tiny_sd3 import pipeline

from w2s.errors import UserError
from w2s.pipelines.forked import ForkedDenoiseStep, forked
from w2s.pipelines.guiders import WindowedGuidance

SGG = [
    {"method": "cfg", "weight": 4.5, "steps": [0, 2]},
    {"method": "skip_layer", "weight": 4.0, "blocks": [7, 8, 9], "steps": [2, 5]},
]


@pytest.fixture
def nets():
    return networks()


def test_shared_blocks_are_run_once(nets):
    """Of 12 blocks, 7 are shared and 2 remain after the skipped ones."""
    said = draw(nets["main"], WindowedGuidance(SGG), inputs(), fork=True, output="forwards")
    assert said == pytest.approx(2 * 2 + 3 * (1 + 2 / LAYERS))


def test_a_smaller_network_costs_its_share(nets):
    guider = WindowedGuidance({"method": "autoguidance", "weight": 2.0, "weak": "small"})
    guider.set_network("small", nets["small"])
    said = draw(nets["main"], guider, inputs(), fork=True, output="forwards")
    assert 5 * 1.4 < said < 5 * 1.5  # half the blocks; the last does less


def steps_of(blocks):
    """The names and kinds of all denoising steps within blocks."""
    found = []
    for name, block in blocks.sub_blocks.items():
        ends = isinstance(block, StableDiffusion3DenoiseStep | ForkedDenoiseStep)
        found += [(name, type(block))] if ends else steps_of(block)
    return found


def test_every_workflow_is_forked_and_the_stock_blocks_stay():
    stock = StableDiffusion3AutoBlocks()
    made = forked(stock)
    assert steps_of(made) == [("denoise", ForkedDenoiseStep)] * 2
    for blocks in (stock, StableDiffusion3AutoBlocks()):
        assert steps_of(blocks) == [("denoise", StableDiffusion3DenoiseStep)] * 2


def test_blocks_without_a_denoising_step_are_refused():
    with pytest.raises(UserError, match="StableDiffusion3TextEncoderStep has no denoising step"):
        forked(StableDiffusion3TextEncoderStep())


def test_without_a_guider_it_guides_as_the_stock_step_does(nets):
    stock = draw(nets["main"], ClassifierFreeGuidance(guidance_scale=7.0), inputs())
    made = pipe(nets["main"], WindowedGuidance([]), fork=True).blocks.init_pipeline()
    source = pipe(nets["main"], WindowedGuidance([]))
    made.update_components(transformer=nets["main"], scheduler=source.scheduler)
    made.set_progress_bar_config(disable=True)
    size = {"height": 48, "width": 80, "num_inference_steps": 5, "output": "latents"}
    assert close(made(**inputs(), **size), stock)


def test_from_an_image_it_starts_in_the_middle():
    """Both loops of the whole image-to-image workflow, text encoders and all."""
    parts = pipeline("sd3").components
    generated = []
    for blocks in (StableDiffusion3AutoBlocks(), forked(StableDiffusion3AutoBlocks())):
        whole = blocks.init_pipeline()
        components = {n: c for n, c in parts.items() if n in whole.component_names}
        whole.update_components(**components)
        if len(generated) == 0:
            whole.update_components(guider=ClassifierFreeGuidance(guidance_scale=3.0))
        else:
            whole.update_components(guider=WindowedGuidance({"method": "cfg", "weight": 3.0}))
        whole.set_progress_bar_config(disable=True)
        image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        generated.append(
            whole(
                prompt="red star",
                negative_prompt="blue",
                image=image,
                strength=0.6,
                num_inference_steps=5,
                generator=torch.Generator().manual_seed(1),
                height=16,
                width=16,
                max_sequence_length=8,
                output_type="pt",
                output="images",
            )
        )
    assert close(*generated, 1e-4)


def other_guider(whole):
    whole.update_components(guider=ClassifierFreeGuidance())


def other_scheduler(whole):
    whole.update_components(scheduler=FlowMatchHeunDiscreteScheduler())


def hooked(whole):
    whole.transformer.register_forward_pre_hook(lambda *_: None)


@pytest.mark.parametrize(
    ("change", "more", "says"),
    [
        (other_guider, {}, "the guider is ClassifierFreeGuidance"),
        (other_scheduler, {}, "the scheduler is FlowMatchHeunDiscreteScheduler"),
        (hooked, {}, "the transformer has hooks"),
        (lambda whole: None, {"joint_attention_kwargs": {"scale": 0.5}}, "joint_attention_kwargs"),
    ],
)
def test_what_it_would_ignore_is_refused(nets, change, more, says):
    whole = pipe(nets["main"], WindowedGuidance(SGG), fork=True)
    change(whole)
    with pytest.raises(UserError, match=says):
        whole(**inputs(), height=48, width=80, num_inference_steps=5, output="latents", **more)


def test_after_a_stock_guider_the_transformer_is_taken_again(nets):
    """diffusers' registry of hooks stays on a transformer when its last hook is gone."""
    guider = WindowedGuidance({"method": "skip_layer", "weight": 2.0, "blocks": [7]})
    stock = draw(nets["main"], guider, inputs())
    assert hasattr(nets["main"], "_diffusers_hook")
    assert close(draw(nets["main"], guider, inputs(), fork=True), stock)

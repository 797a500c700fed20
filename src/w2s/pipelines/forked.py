"""The denoising step of diffusers' modular Stable Diffusion 3 pipelines, by this project's engine.

Predictions of a step share the blocks they have in common, and none is computed that is not used.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.configuration_utils import FrozenDict
from diffusers.modular_pipelines import ModularPipelineBlocks
from diffusers.modular_pipelines.modular_pipeline_utils import ComponentSpec, OutputParam
from diffusers.modular_pipelines.stable_diffusion_3 import denoise

from w2s.conditions.base import Condition
from w2s.errors import UserError
from w2s.guidance.base import Method, State
from w2s.models.sd3_network import SD3
from w2s.pipelines.guiders import WindowedGuidance
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.loop import Guided
from w2s.sampling.trajectories import nets_of


@dataclass
class _Run:
    """One trajectory under way."""

    denoiser: Denoiser
    condition: Condition
    times: tuple[float, ...]
    methods: list[Method | None]  # of each step
    state: State = field(default_factory=State)


class ForkedLoopDenoiser(denoise.StableDiffusion3LoopDenoiser):
    """Computes the guided velocity of one step, given by a `WindowedGuidance`.

    In place of the stock step it takes the pipeline's own times, whatever they are.  Raises
    UserError for another guider or scheduler, for attention arguments, which would be ignored,
    and as `WindowedGuidance.methods` does.
    """

    @property
    def expected_components(self):
        guider, *others = super().expected_components
        default = FrozenDict(
            {"windows": {"method": "cfg", "weight": guider.config["guidance_scale"]}}
        )
        made = {"config": default, "default_creation_method": "from_config"}
        return [ComponentSpec("guider", WindowedGuidance, **made), *others]

    @property
    def intermediate_outputs(self):
        said = "Forward passes of the transformer so far, in blocks run over its blocks."
        return [OutputParam("forwards", type_hint=float, description=said)]

    @torch.no_grad()
    def __call__(self, components, block_state, i, t):
        if i == 0:
            block_state.run = _begin(components, block_state)
        run = block_state.run
        velocity = Guided(run.denoiser, run.condition, run.methods[i], run.state)
        v = velocity(block_state.latents.float(), run.times[i])
        run.state = velocity.after
        block_state.noise_pred = v.to(block_state.latents.dtype)
        block_state.forwards = run.denoiser.forwards
        return components, block_state


class ForkedDenoiseStep(denoise.StableDiffusion3DenoiseLoopWrapper):
    """The stock denoising loop around `ForkedLoopDenoiser`."""

    block_classes = [ForkedLoopDenoiser, denoise.StableDiffusion3LoopAfterDenoiser]  # noqa: RUF012
    block_names = ["denoiser", "after_denoiser"]  # noqa: RUF012


def forked(blocks: ModularPipelineBlocks) -> ModularPipelineBlocks:
    """The same blocks with a `ForkedDenoiseStep` for every stock denoising step.

    Raises UserError where there is none.
    """
    made = copy.deepcopy(blocks)  # diffusers' blocks share their parts among all pipelines
    if not _replace(made):
        raise UserError(
            f"{type(blocks).__name__} has no denoising step of Stable Diffusion 3 to replace"
        )
    return made


def _replace(blocks: ModularPipelineBlocks) -> int:
    """How many denoising steps were replaced within these blocks."""
    count = 0
    for name, block in blocks.sub_blocks.items():
        if isinstance(block, denoise.StableDiffusion3DenoiseStep):
            blocks.sub_blocks[name] = ForkedDenoiseStep()
            count += 1
        else:
            count += _replace(block)
    return count


def _begin(components, block_state) -> _Run:
    """What a trajectory keeps from step to step."""
    guider, scheduler = components.guider, components.scheduler
    if not isinstance(guider, WindowedGuidance):
        raise UserError(
            f"the guider is {type(guider).__name__}, and this denoising step takes a "
            "WindowedGuidance: set it with pipe.update_components(guider=...)"
        )
    if not isinstance(scheduler, FlowMatchEulerDiscreteScheduler):
        raise UserError(
            f"the scheduler is {type(scheduler).__name__}, and this denoising step follows "
            "FlowMatchEulerDiscreteScheduler"
        )
    if block_state.joint_attention_kwargs:
        raise UserError(
            "joint_attention_kwargs would be ignored by this denoising step; leave them out"
        )
    negative = block_state.negative_prompt_embeds is not None
    times = scheduler.sigmas[-len(block_state.timesteps) - 1 :].tolist()
    times = tuple(min(t, 1.0) for t in times)  # rounding may take the first above 1
    methods = guider.methods(times, negative)
    return _Run(
        Denoiser(
            SD3(components.transformer),
            {name: SD3(guider.networks[name]) for name in nets_of(methods)},
            device=block_state.latents.device,
            use={
                "latents": list(block_state.latents.shape[1:]),
                "text_tokens": block_state.prompt_embeds.shape[1],
            },
        ),
        Condition(
            (block_state.prompt_embeds, block_state.pooled_prompt_embeds),
            (block_state.negative_prompt_embeds, block_state.negative_pooled_prompt_embeds),
        ),
        times,
        methods,
    )

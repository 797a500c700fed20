"""A guided trajectory of an SD3 transformer: times, methods and engine, for any prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from w2s.conditions.base import Condition
from w2s.errors import UserError
from w2s.guidance.windows import Window, resolve
from w2s.models.sd3_network import SD3
from w2s.pipelines.times import flow_times
from w2s.sampling.denoiser import DTYPES, Denoiser
from w2s.sampling.loop import sample
from w2s.sampling.trajectories import nets_of, signals_of
from w2s.sampling.tree import blocks_of

ALIKE = ("in_channels", "joint_attention_dim", "pooled_projection_dim")  # what nets share


class Trajectory:
    """All about drawing images of one size that neither prompts nor noise change.

    times: N + 1 of them.  methods: what is done at each step.  shape: (C, h, w) of the latents.
    needs_null: whether a method extrapolates from the negative prompt.
    """

    def __init__(
        self,
        transformer: nn.Module,
        scheduler: Mapping,
        guidance: Sequence[Window],
        *,
        steps: int,
        size: tuple[int, int],
        weak: Mapping[str, nn.Module] | None = None,
    ):
        """Nothing is computed or moved yet.

        transformer, weak: diffusers' SD3Transformer2DModel; arithmetic is that of their weights.
        scheduler: the configuration of a FlowMatchEulerDiscreteScheduler.
        size: height and width of the latents.

        Raises UserError for what transformer, scheduler or guidance cannot do.
        """
        config, weak = transformer.config, dict(weak or {})
        _check_size(size, config)
        self._precision = _precision(transformer)
        patches = (size[0] // config.patch_size) * (size[1] // config.patch_size)
        self.shape = (config.in_channels, *size)
        self.times = flow_times(scheduler, steps, patches)
        self.methods = resolve(guidance, self.times)
        self.needs_null = any(s.null for method in self.methods for s in signals_of(method))
        asked = {name: _weak(name, weak, transformer) for name in nets_of(self.methods)}
        self._nets = {name: SD3(net) for name, net in {"main": transformer, **asked}.items()}
        for signal in {s for method in self.methods for s in signals_of(method)}:
            blocks_of(signal, self._nets[signal.net].depth, None)

    @property
    def networks(self) -> list[nn.Module]:
        """The transformers that take part."""
        return [net.transformer for net in self._nets.values()]

    def denoiser(self, text_tokens: int, device: torch.device | None = None) -> Denoiser:
        """The engine for prompts of so many tokens; without a device, where the transformer is."""
        for net in self._nets.values():
            net.use = {"latents": list(self.shape), "text_tokens": text_tokens}
        weak = {name: net for name, net in self._nets.items() if name != "main"}
        return Denoiser(
            self._nets["main"],
            weak,
            device=device or self.networks[0].device,
            precision=self._precision,
            weights=self._precision,
        )

    def run(
        self,
        denoiser: Denoiser,
        noise: Tensor,
        condition: Condition,
        progress: Callable[[], None] | None = None,
    ) -> Tensor:
        """Latents (n, C, h, w) float32 at t = 0, on the denoiser's device, from noise at t = 1.

        progress: called after each step.
        """
        given, null = (tuple(t.to(denoiser.device) for t in part) for part in condition)
        x, _ = sample(
            denoiser,
            noise.to(denoiser.device, torch.float32),
            Condition(given, null),
            times=self.times,
            methods=self.methods,
            solver="euler",
            noise=_none,
            progress=lambda step: progress() if progress else None,
        )
        return x


def _none(step: int) -> Tensor:
    raise AssertionError("Euler's steps add no noise")


def _check_size(size: tuple[int, int], config: Any) -> None:
    patch, most = config.patch_size, config.pos_embed_max_size
    for name, side in zip(("height", "width"), size, strict=True):
        if side <= 0 or side % patch or side // patch > most:
            raise UserError(
                f"the {name} of the latents would be {side}: the transformer takes multiples of "
                f"{patch} up to {patch * most}"
            )


def _precision(transformer: nn.Module) -> str:
    for name, dtype in DTYPES.items():
        if transformer.dtype == dtype:
            return name
    raise UserError(
        f"the transformer's weights are {transformer.dtype}: load them as float32, bfloat16 or "
        "float16"
    )


def _weak(name: str, weak: Mapping[str, nn.Module], main: nn.Module) -> nn.Module:
    """The network that the guidance calls by this name, if it can stand beside the main one."""
    if name not in weak:
        raise UserError(
            f"the guidance extrapolates from a network '{name}': give it as weak, where there is "
            f"{', '.join(weak) or 'none'}"
        )
    net = weak[name]
    for key in ALIKE:
        if net.config[key] != main.config[key]:
            raise UserError(
                f"the weak network '{name}' has {key} {net.config[key]} and the transformer "
                f"{main.config[key]}: take one for the same latents and prompts"
            )
    if net.dtype != main.dtype:
        raise UserError(
            f"the weak network '{name}' is {net.dtype} and the transformer {main.dtype}: load both "
            "in one precision"
        )
    return net

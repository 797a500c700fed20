"""The engine that carries noise along a course, with the networks of SD3 pipelines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from w2s.conditions.base import Condition
from w2s.errors import UserError
from w2s.models.precision import DTYPES
from w2s.models.sd3_network import SD3
from w2s.pipelines.course import Course
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.loop import sample


class Trajectory:
    """A course with its networks."""

    def __init__(
        self, course: Course, transformer: nn.Module, weak: Mapping[str, nn.Module] | None = None
    ):
        """Nothing is computed or moved yet.

        transformer, weak: diffusers' SD3Transformer2DModel; arithmetic is that of their weights.
        Raises UserError for networks whose forward pass is more than their blocks, and for weights
        of another precision than this project's, or of different ones.
        """
        given = {"main": transformer, **(weak or {})}
        self.course = course
        self._precision = _precision(transformer)
        self._nets = {name: SD3(given[name]) for name in course.nets}
        for name, net in given.items():
            if name in course.nets and net.dtype != transformer.dtype:
                raise UserError(
                    f"the weak network '{name}' is {net.dtype} and the transformer "
                    f"{transformer.dtype}: load both in one precision"
                )

    @property
    def networks(self) -> list[nn.Module]:
        """The transformers that take part, the main one first."""
        return [net.transformer for net in self._nets.values()]

    def denoiser(self, text_tokens: int, device: torch.device | None = None) -> Denoiser:
        """The engine for prompts of so many tokens; without a device, where the transformer is."""
        return Denoiser(
            self._nets["main"],
            {name: net for name, net in self._nets.items() if name != "main"},
            device=device or self.networks[0].device,
            precision=self._precision,
            weights=self._precision,
            use=self.course.use(text_tokens),
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
            times=self.course.times,
            methods=self.course.methods,
            solver="euler",
            noise=_none,
            progress=lambda step: progress() if progress else None,
        )
        return x


def _none(step: int) -> Tensor:
    raise AssertionError("Euler's steps add no noise")


def _precision(transformer: nn.Module) -> str:
    for name, dtype in DTYPES.items():
        if transformer.dtype == dtype:
            return name
    raise UserError(
        f"the transformer's weights are {transformer.dtype}: load them as float32, bfloat16 or "
        "float16"
    )

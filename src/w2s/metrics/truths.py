"""Distributions by class whose velocity is known: two-dimensional worlds and training latents."""

from __future__ import annotations

import json
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from w2s.data.latents import Latents
from w2s.data.memorised import Memorised
from w2s.job import Job
from w2s.plane.mixture import Mixture
from w2s.plane.tree import World

APART = 2**32  # added to the seed of true points, so that they are not those of training or judging


class Truth(Protocol):
    """A distribution of latents for each class."""

    classes: int
    shape: tuple[int, int, int]

    def draw(self, labels: np.ndarray, seed: int) -> Tensor:
        """Latents (N, C, H, W) of the classes labels (N,), float64."""

    def velocity(self, x: Tensor, t: float, labels: Tensor) -> Tensor:
        """``E[eps - x_0 | x_t = x]`` given the labels' classes, (N, C, H, W), float64."""


class PlaneTruth:
    """The points of a two-dimensional world."""

    shape = (2, 1, 1)

    def __init__(self, world: World):
        self.components = world.grow()
        self.classes, self.mixture = world.classes, Mixture(self.components)

    def draw(self, labels, seed):
        return torch.from_numpy(self.components.draw(labels, APART + seed))[..., None, None]

    def velocity(self, x, t, labels):
        return self.mixture.velocity(x.flatten(1), t, labels)[..., None, None]


def truth_of(job: Job) -> PlaneTruth | Memorised:
    """That of the job's parents: points, a world's, or latents, those that are trained on."""
    if "points" in job.parents:
        facts = json.loads((job.parent("points") / "latents.json").read_text(encoding="utf-8"))
        return PlaneTruth(World(**facts["world"]))
    return Memorised(Latents(job.parents["latents"]))

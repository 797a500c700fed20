"""What becomes of points on their way from noise, against what becomes of true ones.

Guidance by a condition is said to act in three stages: it first shifts points towards and past the
mean of their class, then starves the weaker modes, then contracts each mode (arXiv 2509.22007).
Each has a figure here whose value for true points is known at every noise level.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from w2s.plane.mixture import Mixture
from w2s.plane.tree import Components

STAGES = {"drift": 0.0, "norm": 1.0, "weaker_modes": 1.0, "within_modes": 1.0, "spread": 1.0}
"""The figures by name, each with its expected value for true points."""


class Stages:
    """Describes points of a world at any t by the figures of `STAGES`."""

    def __init__(self, truth: Components):
        self.mixture = Mixture(truth)
        means, covariances = map(torch.from_numpy, truth.moments())
        self.means, self.outward = means, torch.nn.functional.normalize(means)
        self.variance = float(torch.einsum("cii->", covariances)) / truth.classes
        self.weaker = torch.from_numpy(weaker_modes(truth.weights))
        self.weaker_mass = (torch.from_numpy(truth.weights) * self.weaker).sum(1)

    def at(self, x: Tensor, t: float, labels: Tensor, true: Tensor) -> dict[str, float]:
        """The figures of points x (N, 2) at time t, drawn for classes labels (N,).

        true: true points (N, 2) of these labels at t.

        drift: how far the mean of each class lies outward of the true one, ``(1 - t) m``, along
        the class's mean m.  norm: mean distance from the origin over that of `true`.
        weaker_modes: posterior mass on the lightest Gaussians, which hold half of each class, over
        the true mass.  within_modes: squared Mahalanobis distance from the Gaussians by their
        posterior, over its expected value of 2.  spread: deviation from the class's own mean over
        the true one.  drift and spread are means over classes.
        """
        x = x.double()
        own = [x[labels == c] for c in range(len(self.means))]
        means = torch.stack([points.mean(0) for points in own])
        spread = torch.stack([points.var(0).sum() for points in own]).mean()
        posterior, distances = self.mixture.memberships(x, t, labels)
        lighter = (posterior * self.weaker[labels]).sum(1) / self.weaker_mass[labels]
        within = (posterior * distances).sum(1)
        values = {
            "drift": ((means - (1 - t) * self.means) * self.outward).sum(1).mean(),
            "norm": x.norm(dim=1).mean() / true.double().norm(dim=1).mean(),
            "weaker_modes": lighter.mean(),
            "within_modes": within.mean() / 2,
            "spread": (spread / ((1 - t) ** 2 * self.variance + 2 * t**2)).sqrt(),
        }
        return {name: float(values[name]) for name in STAGES}


def weaker_modes(weights: np.ndarray) -> np.ndarray:
    """Which Gaussians (classes, K) are the lightest of a class that together hold half of it.

    The one in which half is passed counts as the last of them; Gaussians without weight do too.
    """
    order = np.argsort(weights, axis=1, kind="stable")
    held = np.take_along_axis(weights, order, 1).cumsum(1)
    before = np.concatenate([np.zeros((len(weights), 1)), held[:, :-1]], 1)
    found = np.empty(weights.shape, dtype=bool)
    np.put_along_axis(found, order, before < 0.5, 1)
    return found

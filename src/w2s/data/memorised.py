"""The velocity that fits a set of training latents best: it remembers them all."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from w2s.data.latents import Latents


class Memorised:
    """The minimum over all functions of the training loss on these latents.

    Training draws an image's latent from a Gaussian of its own, so that the latents of a class are
    a mixture of as many Gaussians as it has images, with diagonal covariances.  This is the exact
    velocity of that mixture: sampled from, it would draw training images and nothing else.
    """

    def __init__(self, latents: Latents):
        self.latents, self.classes = latents, latents.classes
        self.shape = (latents.channels, latents.size, latents.size)
        self._held: dict[int, tuple[Tensor, Tensor]] = {}

    def draw(self, labels: np.ndarray, seed: int) -> Tensor:
        """A training latent of the class of each label (N,), (N, C, h, w), float64.

        Raises ValueError for a class without images.
        """
        rng, rows = np.random.default_rng(seed), np.empty(len(labels), dtype=int)
        for label in np.unique(labels):
            mine = labels == label
            rows[mine] = rng.choice(self._rows(label), mine.sum())
        return torch.from_numpy(self.latents.batch(rows, rng)[0]).double()

    def velocity(self, x: Tensor, t: float, labels: Tensor) -> Tensor:
        """``E[eps - x_0 | x_t = x]`` given the labels' classes, (N, C, h, w), float64.

        Value by value, as for any Gaussian: ``a (x - (1 - t) m) - m`` where m and s are its mean
        and deviation, ``c = (1 - t)^2 s^2 + t^2`` and ``a = (t - (1 - t) s^2) / c``.  Where a value
        of some image has no deviation, t must be above 0.
        """
        found = torch.empty(x.shape, dtype=torch.float64)
        for label in labels.unique().tolist():
            mine = labels == label
            points = x[mine].double().flatten(1)
            found[mine] = self._of_class(points, t, label).unflatten(1, x.shape[1:])
        return found

    def _of_class(self, x: Tensor, t: float, label: int) -> Tensor:
        """Velocities of points (n, D): products of their features with those of K Gaussians."""
        mean, variance = self._gaussians(label)
        precision = 1 / ((1 - t) ** 2 * variance + t**2)
        pulled, moved = precision * (1 - t) * mean, (1 - t) * mean
        constant = (pulled * moved - precision.log()).sum(1)
        energy = x.square() @ precision.T - 2 * x @ pulled.T + constant
        shares = (-energy / 2).softmax(1)
        slope = (t - (1 - t) * variance) * precision
        return x * (shares @ slope) - shares @ (slope * moved + mean)

    def _gaussians(self, label: int) -> tuple[Tensor, Tensor]:
        """Means and variances (K, D), kept once they are asked for."""
        if label not in self._held:
            mean, deviation = self.latents.posteriors(self._rows(label))
            mean, deviation = (torch.from_numpy(p).double().flatten(1) for p in (mean, deviation))
            self._held[label] = mean, deviation.square()
        return self._held[label]

    def _rows(self, label: int) -> np.ndarray:
        rows = (self.latents.labels == label).nonzero()[0]
        if not len(rows):
            raise ValueError(f"class {label} has no images")
        return rows

"""A mixture of Gaussians on its way to noise: density, score, velocity and posteriors at any t.

``x_t = (1 - t) x_0 + t eps``: at time t a Gaussian of mean m and covariance S has mean
``(1 - t) m`` and covariance ``C = (1 - t)^2 S + t^2 I``, and the velocity ``eps - x_0`` expected
at x is ``A (x - (1 - t) m) - m`` with ``A = (t I - (1 - t) S) C^-1``.  That divides by neither t
nor 1 - t, so both ends are included.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from w2s.plane.tree import Components

ROWS = 512  # points at once: their matrices of Gaussians stay in a processor's cache


class Level(NamedTuple):
    """What depends on the time alone."""

    time: float
    inverse: Tensor  # (K, 2, 2) of the covariances
    log_norm: Tensor  # (K,), what is left of -2 log density beside the squared distance
    forms: Tensor  # (6, K), -2 log density over the features (x^2, xy, y^2, x, y, 1)
    maps: Tensor  # (K, 6), slope and offset of each Gaussian's velocity


class Mixture(nn.Module):
    """The exact functions of a mixture; inside in float64, whatever is given.

    Points x are (N, 2), t is one time from 0 to 1.  Labels are (N,) int64: a class from 0 on, or
    the number of classes, which stands for no class at all.  Without labels there is no class.
    """

    def __init__(self, components: Components):
        super().__init__()
        weights = np.vstack([components.weights, components.weights.mean(0)])
        with np.errstate(divide="ignore"):
            self._keep("log_weights", np.log(weights))  # (classes + 1, K); -inf where a class ends
        self._keep("means", components.means)
        self._keep("covariances", components.covariances)
        self.classes = components.classes
        self._level: Level | None = None  # of the time that was asked for last

    def _keep(self, name: str, values: np.ndarray) -> None:
        values = torch.from_numpy(values).double()
        self.register_buffer(name, values, persistent=False)  # no weights: made again by its config

    def log_density(self, x: Tensor, t: float, labels: Tensor | None = None) -> Tensor:
        """Log density (N,) of the labels' classes at x."""
        return torch.cat([self._joint(*own).logsumexp(1) for own in _parts(x.double(), t, labels)])

    def score(self, x: Tensor, t: float, labels: Tensor | None = None) -> Tensor:
        """Gradient of the log density, (N, 2); where t is 0 that of the data."""
        x = x.double()
        inverse = self._at(t).inverse
        offset = -(1 - t) * _times(inverse, self.means)
        maps = torch.cat([inverse.flatten(1), offset], 1)
        return -_applied(self._responsibilities(x, t, labels) @ maps, x)

    def velocity(self, x: Tensor, t: float, labels: Tensor | None = None) -> Tensor:
        """``E[eps - x_0 | x_t = x]`` given the labels' classes, (N, 2)."""
        x, maps = x.double(), self._at(t).maps
        found = [self._responsibilities(*own) @ maps for own in _parts(x, t, labels)]
        return _applied(torch.cat(found), x)

    def component_posterior(self, x: Tensor, t: float, labels: Tensor | None = None) -> Tensor:
        """Probability (N, K) of each Gaussian, given x and the labels' classes."""
        return self._responsibilities(x.double(), t, labels)

    def memberships(
        self, x: Tensor, t: float, labels: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Of each Gaussian (N, K) its posterior and its squared Mahalanobis distance from x.

        Of a Gaussian's own points a distance of 2 is expected.
        """
        densities = self._log_gaussians(x.double(), t)
        distances = -2 * densities - self._at(t).log_norm
        return densities.add_(self._log_weights(labels)).softmax(1), distances

    def class_posterior(self, x: Tensor, t: float) -> Tensor:
        """Probability (N, classes) of each class given x; before x all are equally likely."""
        densities = self._log_gaussians(x.double(), t)
        top = densities.amax(1, keepdim=True)  # each class's sum, safe from underflow of the best
        own = self.log_weights[:-1].exp() @ (densities - top).exp().T
        return (own / own.sum(0)).T

    def _responsibilities(self, x: Tensor, t: float, labels: Tensor | None) -> Tensor:
        return self._joint(x, t, labels).softmax(1)

    def _joint(self, x: Tensor, t: float, labels: Tensor | None) -> Tensor:
        """Log of weight times density (N, K) of each Gaussian."""
        return self._log_gaussians(x, t).add_(self._log_weights(labels))

    def _log_weights(self, labels: Tensor | None) -> Tensor:
        return self.log_weights[-1] if labels is None else self.log_weights[labels]

    def _log_gaussians(self, x: Tensor, t: float) -> Tensor:
        """Log density (N, K) of each Gaussian: one product over the features of a quadratic."""
        a, b = x.unbind(1)
        features = torch.stack([a * a, a * b, b * b, a, b, torch.ones_like(a)], 1)
        return -0.5 * features @ self._at(t).forms

    def _at(self, t: float) -> Level:
        """All that the time decides; signals of a step, and a judge's scores, share it."""
        if self._level is None or self._level.time != t or self._level.maps.device != self.device:
            self._level = self._computed(t)
        return self._level

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.means.device

    def _computed(self, t: float) -> Level:
        eye = torch.eye(2, dtype=self.covariances.dtype, device=self.device)
        covariances = (1 - t) ** 2 * self.covariances + t**2 * eye
        means, inverse = (1 - t) * self.means, covariances.inverse()
        pulled = _times(inverse, means)
        logdet, constant = covariances.logdet(), 2 * math.log(2 * math.pi)
        squares = (pulled * means).sum(1) + logdet + constant
        quadratic = [inverse[:, 0, 0], 2 * inverse[:, 0, 1], inverse[:, 1, 1]]
        forms = torch.stack([*quadratic, *(-2 * pulled).T, squares])
        slope = (t * eye - (1 - t) * self.covariances) @ inverse
        offset = -(1 - t) * _times(slope, self.means) - self.means
        return Level(t, inverse, logdet + constant, forms, torch.cat([slope.flatten(1), offset], 1))


def _parts(
    x: Tensor, t: float, labels: Tensor | None
) -> Iterator[tuple[Tensor, float, Tensor | None]]:
    """Points with their time and labels, `ROWS` at once; a single label is that of all."""
    own = None if labels is None else labels.expand(len(x))
    for first in range(0, len(x), ROWS):
        part = slice(first, first + ROWS)
        yield x[part], t, None if own is None else own[part]


def _times(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Each matrix (K, 2, 2) times its vector (K, 2)."""
    return (matrices @ vectors[..., None])[..., 0]


def _applied(maps: Tensor, x: Tensor) -> Tensor:
    """``slope x + offset``, (N, 2), of the mean over Gaussians (N, 6) of slopes and offsets."""
    slope, offset = maps.split([4, 2], 1)
    return _times(slope.unflatten(1, (2, 2)), x) + offset

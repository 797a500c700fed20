"""A mixture of Gaussians on its way to noise: density, score, velocity and posteriors at any t.

``x_t = (1 - t) x_0 + t eps``: at time t a Gaussian of mean m and covariance S has mean
``(1 - t) m`` and covariance ``C = (1 - t)^2 S + t^2 I``, and the velocity ``eps - x_0`` expected
at x is ``A (x - (1 - t) m) - m`` with ``A = (t I - (1 - t) S) C^-1``.  That divides by neither t
nor 1 - t, so both ends are included.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from w2s.plane.tree import Components


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

    def _keep(self, name: str, values: np.ndarray) -> None:
        values = torch.from_numpy(values).double()
        self.register_buffer(name, values, persistent=False)  # no weights: made again by its config

    def log_density(self, x: Tensor, t: float, labels: Tensor | None = None) -> Tensor:
        """Log density (N,) of the labels' classes at x."""
        return self._joint(x.double(), t, labels).logsumexp(1)

    def score(self, x: Tensor, t: float, labels: Tensor | None = None) -> Tensor:
        """Gradient of the log density, (N, 2); where t is 0 that of the data."""
        x = x.double()
        inverse = self._covariances_at(t).inverse()
        offset = -(1 - t) * _times(inverse, self.means)
        return -_applied(self._responsibilities(x, t, labels), inverse, offset, x)

    def velocity(self, x: Tensor, t: float, labels: Tensor | None = None) -> Tensor:
        """``E[eps - x_0 | x_t = x]`` given the labels' classes, (N, 2)."""
        x = x.double()
        eye = torch.eye(2, dtype=x.dtype, device=x.device)
        slope = (t * eye - (1 - t) * self.covariances) @ self._covariances_at(t).inverse()
        offset = -(1 - t) * _times(slope, self.means) - self.means
        return _applied(self._responsibilities(x, t, labels), slope, offset, x)

    def component_posterior(self, x: Tensor, t: float, labels: Tensor | None = None) -> Tensor:
        """Probability (N, K) of each Gaussian, given x and the labels' classes."""
        return self._responsibilities(x.double(), t, labels)

    def squared_distances(self, x: Tensor, t: float) -> Tensor:
        """Squared Mahalanobis distance (N, K) of x from each Gaussian; 2 expected from its own."""
        constant = self._covariances_at(t).logdet() + 2 * math.log(2 * math.pi)
        return -2 * self._log_gaussians(x.double(), t) - constant

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
        weights = self.log_weights[-1] if labels is None else self.log_weights[labels]
        return self._log_gaussians(x, t) + weights

    def _log_gaussians(self, x: Tensor, t: float) -> Tensor:
        """Log density (N, K) of each Gaussian: one product over the features of a quadratic."""
        covariances, means = self._covariances_at(t), (1 - t) * self.means
        inverse = covariances.inverse()
        pulled = _times(inverse, means)
        constant = (pulled * means).sum(1) + covariances.logdet() + 2 * math.log(2 * math.pi)
        quadratic = [inverse[:, 0, 0], 2 * inverse[:, 0, 1], inverse[:, 1, 1]]
        forms = torch.stack([*quadratic, *(-2 * pulled).T, constant])
        a, b = x.unbind(1)
        features = torch.stack([a * a, a * b, b * b, a, b, torch.ones_like(a)], 1)
        return -0.5 * features @ forms

    def _covariances_at(self, t: float) -> Tensor:
        eye = torch.eye(2, dtype=self.covariances.dtype, device=self.covariances.device)
        return (1 - t) ** 2 * self.covariances + t**2 * eye


def _times(matrices: Tensor, vectors: Tensor) -> Tensor:
    """Each matrix (K, 2, 2) times its vector (K, 2)."""
    return (matrices @ vectors[..., None])[..., 0]


def _applied(shares: Tensor, slopes: Tensor, offsets: Tensor, x: Tensor) -> Tensor:
    """The mean over Gaussians of ``slope x + offset``, (N, 2), by their shares (N, K)."""
    slope, offset = (shares @ torch.cat([slopes.flatten(1), offsets], 1)).split([4, 2], 1)
    return _times(slope.unflatten(1, (2, 2)), x) + offset

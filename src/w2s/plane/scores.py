"""How far points of a two-dimensional world are from the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from w2s.plane.counts import NEIGHBOURS, REFERENCE, compared, judged
from w2s.plane.mixture import Mixture
from w2s.plane.tree import Components, balanced

OUTSIDE = 0.005  # quantile of the truth's own-class log density below which a point is off support
SEED = 2**31  # of the true points; seeds of samples lie below
ROWS = 1000  # of a matrix of distances at a time


class Judge:
    """Compares sets of `count` points with the truth, of which it holds points of its own."""

    def __init__(self, truth: Components, count: int, within: Sequence[float] | None = None):
        """Take `within` from `distances_within`, if that is known already: it takes longest.

        Raises ValueError for more points than the reference serves, or too few for a class.
        """
        if count not in judged(truth.classes):
            raise ValueError(f"cannot judge {count} points in {truth.classes} classes")
        self.truth, self.mixture, self.count = truth, Mixture(truth), count
        points, own = _reference(truth)
        self.threshold = float(self.mixture.log_density(points, 0.0, own).quantile(OUTSIDE))
        self.norm = float(points.norm(dim=1).mean())
        self.real = _by_class(points, own, truth.classes)
        self.within = distances_within(truth) if within is None else within
        near = compared(count)
        self.near = _by_class(points[:near], own[:near], truth.classes)
        self.radii = [_rows(real, real, _radius) for real in self.near]

    def score(self, points: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Every score of points (count, 2) drawn for classes (count,), by name.

        wrong_class: share whose likeliest true class is another.  off_support: share whose log
        density under its own true class is below the truth's 0.5 % quantile.  coverage: share of
        true points with a point of their class no further than their 5th true neighbour of that
        class (Naeem et al., arXiv 2002.09797, per class); a true sample's is about .905.
        energy: 10^3 times the unbiased energy distance, mean over classes; its noise takes it
        below 0.  mode_tv: total variation between the points' mean posterior over the true
        Gaussians of their class and those Gaussians' weights, mean over classes.  spread:
        deviation from the own class's mean over the truth's.  norm: mean distance from the origin
        over the truth's.

        Raises ValueError for another number of points, or a class with fewer than two.
        """
        x = torch.from_numpy(np.asarray(points, dtype=np.float64))
        own = torch.from_numpy(np.asarray(labels))
        mine = _by_class(x, own, self.truth.classes)
        if len(x) != self.count or min(map(len, mine)) < 2:
            raise ValueError(f"this judges {self.count} points, at least two of each class")
        density = self.mixture.log_density(x, 0.0, own)
        covered = [
            _rows(near, found, lambda distances: distances.amin(1)) <= radius
            for near, found, radius in zip(self.near, mine, self.radii, strict=True)
        ]
        energies = [
            2 * _mean_distance(found, real) - _within(found) - within
            for found, real, within in zip(mine, self.real, self.within, strict=True)
        ]
        return {
            "wrong_class": _mean(self.mixture.class_posterior(x, 0.0).argmax(1) != own),
            "off_support": _mean(density < self.threshold),
            "coverage": _mean(torch.cat(covered)),
            "energy": 1e3 * _mean(torch.tensor(energies)),
            "mode_tv": self._mode_variation(x, own),
            "spread": self._spread(mine),
            "norm": float(x.norm(dim=1).mean()) / self.norm,
        }

    def _mode_variation(self, x: Tensor, own: Tensor) -> float:
        """No true points are needed: their mean posterior is expected to be the weights."""
        posterior = self.mixture.component_posterior(x, 0.0, own)
        parts = _by_class(posterior, own, self.truth.classes)
        shares = torch.stack([part.mean(0) for part in parts])
        return float((shares - torch.from_numpy(self.truth.weights)).abs().sum(1).mean()) / 2

    def _spread(self, mine: list[Tensor]) -> float:
        _, covariances = self.truth.moments()
        true = np.trace(covariances, axis1=1, axis2=2).mean()
        return float(np.sqrt(np.mean([float(found.var(0).sum()) for found in mine]) / true))


def distances_within(truth: Components) -> list[float]:
    """Mean distance between two of the true points that judges hold of a class, for each class."""
    return [_within(real) for real in _by_class(*_reference(truth), truth.classes)]


def _reference(truth: Components) -> tuple[Tensor, Tensor]:
    """The true points (REFERENCE, 2) that all judges of a world hold, and their classes."""
    labels = balanced(REFERENCE, truth.classes)
    return torch.from_numpy(truth.draw(labels, SEED)), torch.from_numpy(labels)


def _by_class(x: Tensor, own: Tensor, classes: int) -> list[Tensor]:
    return [x[own == c] for c in range(classes)]


def energy_distance(x: Tensor, y: Tensor) -> float:
    """``2 E|X - Y| - E|X - X'| - E|Y - Y'|`` of points (N, d) and (M, d), without bias.

    Székely and Rizzo, J. Stat. Plan. Inference 143 (2013); no point is paired with itself.
    """
    return 2 * _mean_distance(x, y) - _within(x) - _within(y)


def _mean_distance(x: Tensor, y: Tensor) -> float:
    return float(_rows(x, y, lambda distances: distances.mean(1)).mean())


def _within(x: Tensor) -> float:
    return _mean_distance(x, x) * len(x) / (len(x) - 1)


def _radius(distances: Tensor) -> Tensor:
    return distances.kthvalue(NEIGHBOURS + 1, dim=1).values  # the nearest is the point itself


def _rows(x: Tensor, y: Tensor, reduced: Callable[[Tensor], Tensor]) -> Tensor:
    """What `reduced` makes of the distances (rows, M) from each point of x to those of y."""
    exact = "donot_use_mm_for_euclid_dist"
    return torch.cat([reduced(torch.cdist(p, y, compute_mode=exact)) for p in x.split(ROWS)])


def _mean(values: Tensor) -> float:
    return float(values.double().mean())

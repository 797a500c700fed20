"""How far points of a two-dimensional world are from the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from w2s.plane.mixture import Mixture
from w2s.plane.tree import Components, balanced

NEIGHBOURS = 5  # coverage's k (arXiv 2002.09797, sec. 4)
OUTSIDE = 0.005  # quantile of the truth's own-class log density below which a point is off support
REFERENCE = 20_000  # true points; with a quarter of them their error moved energies by 1e-3
SEED = 2**31  # of the true points; seeds of samples lie below
PER_POINT = 5 / 3  # true points that coverage looks at for each judged one
ROWS = 1000  # of a matrix of distances at a time


@dataclass(frozen=True)
class Score:
    """A score's heading, and how many digits of it to show."""

    title: str
    digits: int


SCORES = {
    "wrong_class": Score("Wrong class", 3),
    "off_support": Score("Off support", 3),
    "coverage": Score("Coverage", 3),
    "energy": Score("Energy ×10³", 1),
    "mode_tv": Score("Mode TV", 3),
    "spread": Score("Spread", 3),
    "norm": Score("Norm", 3),
}
"""The scores by name, in the order of tables.  What to compare them with is a fresh true sample."""


class Judge:
    """Compares sets of `count` points with the truth, of which it holds points of its own."""

    def __init__(self, truth: Components, count: int):
        """Raises ValueError for more points than the reference serves, or too few for a class."""
        near = round(PER_POINT * count)
        if not truth.classes * (NEIGHBOURS + 1) <= near <= REFERENCE:
            raise ValueError(f"cannot judge {count} points in {truth.classes} classes")
        self.truth, self.mixture, self.count = truth, Mixture(truth), count
        labels = balanced(REFERENCE, truth.classes)
        points = torch.from_numpy(truth.draw(labels, SEED))
        own = torch.from_numpy(labels)
        self.threshold = float(self.mixture.log_density(points, 0.0, own).quantile(OUTSIDE))
        self.norm = float(points.norm(dim=1).mean())
        self.real = self._by_class(points, own)
        self.within = [_within(real) for real in self.real]
        self.near = self._by_class(points[:near], own[:near])
        self.radii = [_rows(real, real, _radius) for real in self.near]

    def score(self, points: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        """Every score of `SCORES` of points (count, 2) drawn for classes (count,).

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
        mine = self._by_class(x, own)
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

    def _by_class(self, x: Tensor, own: Tensor) -> list[Tensor]:
        return [x[own == c] for c in range(self.truth.classes)]

    def _mode_variation(self, x: Tensor, own: Tensor) -> float:
        """No true points are needed: their mean posterior is expected to be the weights."""
        posterior = self.mixture.component_posterior(x, 0.0, own)
        shares = torch.stack([mine.mean(0) for mine in self._by_class(posterior, own)])
        return float((shares - torch.from_numpy(self.truth.weights)).abs().sum(1).mean()) / 2

    def _spread(self, mine: list[Tensor]) -> float:
        _, covariances = self.truth.moments()
        true = np.trace(covariances, axis1=1, axis2=2).mean()
        return float(np.sqrt(np.mean([float(found.var(0).sum()) for found in mine]) / true))


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

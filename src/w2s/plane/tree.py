"""Two-dimensional worlds: classes that grow as trees of Gaussians.

The recursive mixture of AutoGuidance's toy (arXiv 2406.02507, app. C, and its code): a branch is
a row of Gaussians and ends in two thinner, shorter branches.  The number of classes and the depth
of the recursion are free, as in SGG's toy (arXiv 2603.20584, fig. 2).  Classes are equally likely
here; there a class weighs what its branches do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from w2s.strict import Strict

PER_BRANCH = 8  # Gaussians
DEVIATION = 0.5  # of a world's points along each axis
LARGEST = 20_000  # Gaussians: a point's density is a sum over all of them


class World(Strict):
    """What a two-dimensional world is grown from."""

    classes: Annotated[int, Field(ge=1)]
    """Classes, one tree each, all equally likely."""
    depth: Annotated[int, Field(ge=1)]
    """Generations of branches."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 2
    """Seed of the branches' lengths and angles."""

    @model_validator(mode="after")
    def _size(self):
        # A depth that gives more than the limit by itself is not raised to a power of 2.
        deep = self.depth > LARGEST.bit_length()
        if deep or self.classes * (2**self.depth - 1) * PER_BRANCH > LARGEST:
            raise ValueError(
                f"{self.classes} classes of depth {self.depth} have more than {LARGEST} Gaussians; "
                "take fewer classes or less depth"
            )
        return self

    def grow(self) -> Components:
        """Its Gaussians, normalised so that all points have mean 0 and deviation 0.5."""
        random = np.random.RandomState(self.seed)  # as the toy's own code draws
        roots = np.deg2rad(45) + 2 * np.pi * np.arange(self.classes) / self.classes
        grown = [list(_branches(random, self.depth, 0, np.zeros(2), angle)) for angle in roots]
        share, mean, along, across, level = map(
            np.array, zip(*(gaussian for tree in grown for gaussian in tree), strict=True)
        )
        owner = np.repeat(np.arange(self.classes), [len(tree) for tree in grown])
        weights = share * (owner == np.arange(self.classes)[:, None])
        weights /= weights.sum(1, keepdims=True)
        covariances = sum(axis[:, :, None] * axis[:, None, :] for axis in (along, across))
        return _normalised(Components(weights, mean, covariances, level))


@dataclass(frozen=True)
class Components:
    """The K Gaussians of a mixture whose classes share them; arrays of float64.

    Classes are equally likely, so what is drawn without a class has the mean row of `weights`.
    """

    weights: np.ndarray  # (classes, K): each class's share of each Gaussian, rows of sum 1
    means: np.ndarray  # (K, 2)
    covariances: np.ndarray  # (K, 2, 2)
    levels: np.ndarray  # (K,) int: generation of the branch a Gaussian lies on, 0 at the root

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.weights)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean (classes, 2) and covariance (classes, 2, 2) of each class's points."""
        means = self.weights @ self.means
        second = self.covariances + self.means[:, :, None] * self.means[:, None, :]
        products = means[:, :, None] * means[:, None, :]
        return means, np.einsum("ck,kij->cij", self.weights, second) - products

    def draw(self, labels: np.ndarray, seed: int) -> np.ndarray:
        """A point of the class of each label (N,): (N, 2).

        Point i depends on the seed, i and its label alone.
        """
        picks, normal = (np.random.default_rng([seed, stream]) for stream in (0, 1))
        cumulative = self.weights.cumsum(1)
        picked = np.empty(len(labels), dtype=int)
        position = picks.random(len(labels))
        for label in np.unique(labels):
            mine = labels == label
            # A position in the rounding error above the last sum belongs to the last Gaussian.
            reach = np.minimum(position[mine], np.nextafter(cumulative[label, -1], 0))
            picked[mine] = cumulative[label].searchsorted(reach, side="right")
        factors = np.linalg.cholesky(self.covariances)[picked]
        steps = normal.standard_normal((len(labels), 2))
        return self.means[picked] + np.einsum("nij,nj->ni", factors, steps)


def balanced(count: int, classes: int) -> np.ndarray:
    """Labels (count,): the classes in turn."""
    return np.arange(count) % classes


def _branches(random, depth: int, level: int, foot: np.ndarray, angle: float):
    """(share, mean, axes along and across, level) of each Gaussian from this branch on.

    Constants and the order of the draws are those of the toy's code (NVlabs/edm2).
    """
    if level == depth:
        return
    direction = np.array([np.cos(angle), np.sin(angle)])
    length = 0.292 * 0.8**level * (1 + 0.2 * random.randn())
    thickness = 0.2 * 0.8**level / length
    size = 0.06 * length
    across = np.array([-direction[1], direction[0]])
    for place in np.linspace(0.07, 0.93, PER_BRANCH):
        middle = foot + direction * length * place
        yield length * 0.5**level, middle, direction * size, across * thickness * size, level
    for side in (1, -1):
        turn = side * 0.7**level * (1 + 0.2 * random.randn())
        yield from _branches(random, depth, level + 1, foot + direction * length, angle + turn)


def _normalised(grown: Components) -> Components:
    """Moved and stretched along the axes: mean 0 and deviation 0.5 over all classes."""
    whole = replace(grown, weights=grown.weights.mean(0, keepdims=True))
    (mean,), (covariance,) = whole.moments()
    scale = DEVIATION / np.sqrt(np.diag(covariance))
    return replace(
        grown,
        means=(grown.means - mean) * scale,
        covariances=grown.covariances * np.outer(scale, scale),
    )


WORLDS = {"few": World(classes=4, depth=3), "many": World(classes=24, depth=1)}
"""The worlds that ship: few classes in detail, and many that overlap (SGG's fig. 2)."""

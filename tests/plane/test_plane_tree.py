"""Worlds: the published toy is one of them, and its draws are what the mixture says."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from w2s.plane.tree import LARGEST, WORLDS, World, balanced


def published_toy():
    """The toy of arXiv 2406.02507 as its code writes it: two trees of depth 7, seed 2."""
    random = np.random.RandomState(2)
    origin, scale = np.array([0.0030, 0.0325]), np.array([1.3136, 1.3844])
    found = []

    def recurse(label, depth, pos, angle):
        if depth >= 7:
            return
        dir = np.array([np.cos(angle), np.sin(angle)])
        dist = 0.292 * (0.8**depth) * (1 + random.randn() * 0.2)
        thick = 0.2 * (0.8**depth) / dist
        size = scale * dist * 0.06
        for t in np.linspace(0.07, 0.93, num=8):
            shape = np.outer(dir, dir) + (np.eye(2) - np.outer(dir, dir)) * (thick**2)
            mean = (pos + dir * dist * t) * scale
            found.append((label, dist * 0.5**depth, mean, shape * np.outer(size, size)))
        for sign in [1, -1]:
            turn = sign * (0.7**depth) * (1 + random.randn() * 0.2)
            recurse(label, depth + 1, pos + dir * dist, angle + turn)

    recurse(0, 0, origin, np.pi * 0.25)
    recurse(1, 0, origin, np.pi * 1.25)
    return found


def moments(shares, means, covariances):
    """Mean and deviation along each axis."""
    weights = shares / shares.sum()
    mean = weights @ means
    squares = weights @ (covariances[:, [0, 1], [0, 1]] + means**2)
    return mean, np.sqrt(squares - mean**2)


def test_two_classes_of_depth_seven_are_the_published_toy_with_equal_classes():
    labels, shares, means, covariances = map(np.array, zip(*published_toy(), strict=True))
    mean, deviation = moments(shares, means, covariances)
    assert mean == pytest.approx([0, 0], abs=1e-3), "as its origin and scale were chosen"
    assert deviation == pytest.approx([0.5, 0.5], abs=1e-3)
    weights = shares * (labels == np.arange(2)[:, None])
    weights /= weights.sum(1, keepdims=True)
    mean, deviation = moments(weights.mean(0), means, covariances)
    scale = 0.5 / deviation
    ours = World(classes=2, depth=7).grow()
    assert ours.weights == pytest.approx(weights, abs=1e-12)
    assert ours.means == pytest.approx((means - mean) * scale, abs=1e-12)
    assert ours.covariances == pytest.approx(covariances * np.outer(scale, scale), abs=1e-15)


@pytest.mark.parametrize("world", [*WORLDS.values(), World(classes=1, depth=2, seed=5)])
def test_a_world_is_normalised_and_as_large_as_it_says(world):
    grown = world.grow()
    assert grown.weights.shape == (world.classes, world.classes * (2**world.depth - 1) * 8)
    assert grown.weights.sum(1) == pytest.approx(np.ones(world.classes))
    assert ((grown.weights > 0).sum(0) == 1).all(), "in the truth no Gaussian has two classes"
    assert np.bincount(grown.levels).tolist() == [
        8 * world.classes * 2**level for level in range(world.depth)
    ]
    weights = grown.weights.mean(0)
    mean = weights @ grown.means
    squares = grown.covariances[:, [0, 1], [0, 1]] + grown.means**2
    assert mean == pytest.approx([0, 0], abs=1e-12)
    assert weights @ squares == pytest.approx([0.25, 0.25])


def test_the_seed_decides_the_world():
    first, again, other = (World(classes=3, depth=2, seed=s).grow() for s in (1, 1, 2))
    assert np.array_equal(first.means, again.means)
    assert np.array_equal(first.covariances, again.covariances)
    assert not np.allclose(first.means, other.means)


def test_draws_have_the_moments_of_their_class():
    grown = WORLDS["few"].grow()
    labels = balanced(40_000, 4)
    points = grown.draw(labels, 3)
    means, covariances = grown.moments()
    for label in range(4):
        mine = points[labels == label]
        error = np.sqrt(np.diag(covariances[label]) / len(mine))
        assert (np.abs(mine.mean(0) - means[label]) < 4 * error).all()
        assert np.cov(mine.T) == pytest.approx(covariances[label], abs=0.003)


def test_a_point_depends_on_seed_number_and_label_alone():
    grown, labels = WORLDS["many"].grow(), balanced(100, 24)
    points = grown.draw(labels, 7)
    assert np.array_equal(grown.draw(labels[:30], 7), points[:30])
    changed = labels.copy()
    changed[50] = 1
    same = (grown.draw(changed, 7) == points).all(1)
    assert np.flatnonzero(~same).tolist() == [50]
    assert not np.isclose(grown.draw(labels, 8), points).any()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"classes": 0, "depth": 1}, "greater than or equal to 1"),
        ({"classes": 1, "depth": 0}, "greater than or equal to 1"),
        ({"classes": 1, "depth": 12}, "more than 20000 Gaussians"),
        ({"classes": 2501, "depth": 1}, "more than 20000 Gaussians"),
        ({"classes": 1, "depth": 10**9}, "more than 20000 Gaussians"),
        ({"classes": 2, "depth": 2, "seed": -1}, "greater than or equal to 0"),
    ],
)
def test_worlds_that_are_none_are_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        World(**fields)


def test_the_largest_world_is_allowed():
    assert World(classes=LARGEST // 8, depth=1).classes == 2500
    assert math.isclose(World(classes=9, depth=8).grow().weights.sum(), 9)

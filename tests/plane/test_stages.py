"""What becomes of points: figures that are known of true ones, and what moves each."""

import numpy as np
import pytest
import torch

from w2s.plane.stages import STAGES, Stages, weaker_modes
from w2s.plane.tree import WORLDS, balanced

COUNT = 24_000


def true_points(name, t, seed=0):
    """A world, true points at t, and their classes."""
    truth = WORLDS[name].grow()
    labels = balanced(COUNT, truth.classes)
    data = torch.from_numpy(truth.draw(labels, seed))
    noise = torch.randn(data.shape, generator=torch.Generator().manual_seed(seed))
    return truth, (1 - t) * data + t * noise, torch.from_numpy(labels)


@pytest.mark.parametrize("name", ["few", "many"])
@pytest.mark.parametrize("t", [0.0, 0.1, 0.6, 1.0])
def test_true_points_have_the_expected_figures(name, t):
    truth, x, labels = true_points(name, t)
    found = Stages(truth).at(x, t, labels, x)
    assert list(found) == list(STAGES)
    assert found == pytest.approx(STAGES, abs=0.02)


@pytest.mark.parametrize("t", [0.0, 0.6])
def test_each_figure_follows_what_it_is_named_after(t):
    truth, x, labels = true_points("few", t)
    stages = Stages(truth)
    plain = stages.at(x, t, labels, x)
    means = torch.from_numpy(truth.moments()[0])
    outward = (means / means.norm(dim=1, keepdim=True))[labels]
    assert stages.at(x + 0.1 * outward, t, labels, x)["drift"] == pytest.approx(
        plain["drift"] + 0.1
    )
    assert stages.at(1.5 * x, t, labels, x)["norm"] == pytest.approx(1.5)
    inward = (1 - t) * means[labels]
    narrowed = stages.at(inward + 0.5 * (x - inward), t, labels, x)
    assert narrowed["spread"] == pytest.approx(0.5 * plain["spread"], abs=0.01)


@pytest.mark.parametrize("t", [0.0, 0.3])
def test_figures_of_modes_are_those_of_their_definition(t):
    """Point by point and Gaussian by Gaussian, of points that no truth has."""
    truth, labels = WORLDS["few"].grow(), balanced(40, 4)
    x = np.random.default_rng(0).normal(size=(40, 2))
    covariances = (1 - t) ** 2 * truth.covariances + t**2 * np.eye(2)
    weaker = weaker_modes(truth.weights)
    lighter, within = [], []
    for point, label in zip(x, labels, strict=True):
        offsets = point - (1 - t) * truth.means
        squares = np.einsum("ki,kij,kj->k", offsets, np.linalg.inv(covariances), offsets)
        own = truth.weights[label] > 0
        density = np.where(own, np.exp(-(squares - squares[own].min()).clip(0) / 2), 0)
        density *= truth.weights[label] * np.linalg.det(covariances) ** -0.5
        posterior = density / density.sum()
        lighter.append(posterior @ weaker[label] / (truth.weights[label] @ weaker[label]))
        within.append(posterior @ squares)
    x = torch.from_numpy(x)
    found = Stages(truth).at(x, t, torch.from_numpy(labels), x)
    assert found["weaker_modes"] == pytest.approx(np.mean(lighter))
    assert found["within_modes"] == pytest.approx(np.mean(within) / 2)


def test_the_weaker_modes_are_the_lightest_that_hold_half():
    weights = np.array([[0.4, 0.3, 0.2, 0.1, 0.0], [0.0, 0.0, 0.0, 0.5, 0.5]])
    found = weaker_modes(weights)
    assert found[0].tolist() == [False, True, True, True, True]
    assert found[1].tolist() == [True, True, True, True, False]

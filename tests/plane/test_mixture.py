"""Density, score, velocity and posteriors against autograd, Monte Carlo and each other."""

import numpy as np
import pytest
import torch

from w2s.plane.errors import Errors
from w2s.plane.mixture import ROWS, Mixture
from w2s.plane.tree import WORLDS, balanced

TIMES = [0.0, 1e-3, 0.05, 0.3, 0.5, 0.8, 0.97, 1.0]
ERRORS = {
    "truth": Errors(),
    "smooth": Errors(smooth=0.05),
    "blur": Errors(blur=0.2),
    "shallow": Errors(shallow=1),
    "all": Errors(smooth=0.03, blur=0.1, shallow=2),
}


@pytest.fixture(scope="module", params=ERRORS)
def learned(request):
    return ERRORS[request.param].applied(WORLDS["few"].grow())


@pytest.fixture(scope="module")
def mixture(learned):
    return Mixture(learned)


@pytest.fixture(scope="module")
def labels():
    return torch.from_numpy(balanced(60, 5))  # 4 stands for no class


def noised(components, labels, t, seed=0):
    """Points of their own classes' marginals at time t."""
    drawn = components.draw(labels.numpy() % 4, seed)
    noise = np.random.default_rng(seed).standard_normal(drawn.shape)
    return torch.from_numpy((1 - t) * drawn + t * noise)


@pytest.mark.parametrize("t", TIMES)
def test_score_is_the_gradient_of_the_log_density(learned, mixture, labels, t):
    x = noised(learned, labels, t).requires_grad_()
    (gradient,) = torch.autograd.grad(mixture.log_density(x, t, labels).sum(), x)
    assert torch.allclose(mixture.score(x, t, labels), gradient, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("t", TIMES)
def test_velocity_is_that_of_the_score(learned, mixture, labels, t):
    """eps = x + (1 - t) v is -t score; where t is 1, v is x less the mean of the data."""
    x = noised(learned, labels, t)
    v = mixture.velocity(x, t, labels)
    assert torch.allclose(x + (1 - t) * v, -t * mixture.score(x, t, labels), atol=1e-9)
    if t == 1:
        means = np.vstack([learned.moments()[0], learned.weights.mean(0) @ learned.means])
        assert torch.allclose(v, x - torch.from_numpy(means)[labels], atol=1e-12)
    if t == 0:
        assert torch.allclose(v, -x, atol=1e-9), "the noise is still to be expected: 0"


@pytest.mark.parametrize("t", [0.3, 0.7, 0.95])
def test_velocity_is_the_mean_of_what_could_have_led_here(learned, mixture, t):
    """E[eps - x_0 | x_t = x], with x_0 drawn and weighed by the chance of reaching x."""
    x0 = torch.from_numpy(learned.draw(np.full(200_000, 2), 1))
    for x in noised(learned, torch.full((5,), 2), t, seed=9):
        weight = torch.exp(-((x - (1 - t) * x0) ** 2).sum(1) / (2 * t**2))
        velocity = (x - x0) / t
        mean = (weight[:, None] * velocity).sum(0) / weight.sum()
        spread = ((weight**2)[:, None] * (velocity - mean) ** 2).sum(0).sqrt() / weight.sum()
        exact = mixture.velocity(x[None], t, torch.tensor([2]))[0]
        assert ((exact - mean).abs() < 5 * spread + 1e-9).all()


@pytest.mark.parametrize("t", [0.0, 0.2, 0.6, 1.0])
def test_density_sums_to_one(mixture, t):
    axis = torch.linspace(-5, 5, 1001, dtype=torch.float64)
    places = torch.cartesian_prod(axis, axis)
    cell = float(axis[1] - axis[0]) ** 2
    for label in (None, 0):
        own = None if label is None else torch.tensor([label])
        parts = [mixture.log_density(part, t, own).exp().sum() for part in places.split(100_000)]
        assert float(sum(parts)) * cell == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("t", [0.0, 0.4, 1.0])
def test_posteriors_follow_bayes(learned, mixture, labels, t):
    x = noised(learned, labels, t)
    densities = [mixture.log_density(x, t, torch.tensor([c])) for c in range(4)]
    expected = torch.stack(densities, 1).softmax(1)
    assert torch.allclose(mixture.class_posterior(x, t), expected, atol=1e-10)
    whole = mixture.log_density(x, t)
    assert torch.allclose(whole, torch.stack(densities, 1).logsumexp(1) - np.log(4), atol=1e-10)
    component = mixture.component_posterior(x, t, labels)
    assert torch.allclose(component.sum(1), torch.ones(len(x), dtype=torch.float64))
    unblurred = (learned.weights > 0).sum(0).max() == 1
    if unblurred:  # each Gaussian has one class, whose posterior is the sum of its Gaussians'
        owner = torch.from_numpy(learned.weights.argmax(0))
        summed = torch.zeros(len(x), 4, dtype=torch.float64)
        summed.index_add_(1, owner, mixture.component_posterior(x, t))
        assert torch.allclose(summed, expected, atol=1e-10)


def test_without_labels_is_the_class_that_stands_for_none(learned, mixture, labels):
    x = noised(learned, labels, 0.3)
    none = torch.full((len(x),), 4)
    for function in (mixture.log_density, mixture.velocity, mixture.score):
        assert torch.equal(function(x, 0.3), function(x, 0.3, none))


def test_far_points_have_finite_values(mixture):
    x = torch.tensor([[40.0, -30.0], [1e3, 1e3]])
    for t in (0.0, 0.5, 1.0):
        assert mixture.velocity(x, t).isfinite().all()
        assert mixture.class_posterior(x, t).sum(1) == pytest.approx([1, 1])


def test_single_precision_is_computed_in_double(learned, mixture, labels):
    x = noised(learned, labels, 0.1).float()
    assert torch.equal(mixture.velocity(x, 0.1, labels), mixture.velocity(x.double(), 0.1, labels))


def test_points_beyond_what_is_held_at_once_are_as_those_alone(mixture, learned):
    """Also after another time was asked for, and with one label for all."""
    labels = balanced(ROWS + 40, learned.classes)
    x, labels = torch.from_numpy(learned.draw(labels, 5)), torch.from_numpy(labels)
    whole = mixture.velocity(x, 0.4, labels), mixture.log_density(x, 0.4, labels)
    mixture.velocity(x, 0.7)
    for part in (slice(0, 30), slice(ROWS - 20, None)):
        alone = mixture.velocity(x[part], 0.4, labels[part])
        assert torch.allclose(whole[0][part], alone, rtol=1e-12, atol=1e-12)
        alone = mixture.log_density(x[part], 0.4, labels[part])
        assert torch.allclose(whole[1][part], alone, rtol=1e-12, atol=1e-12)
    one = mixture.velocity(x, 0.4, torch.tensor([1]))
    assert torch.equal(one, mixture.velocity(x, 0.4, torch.ones(len(x), dtype=torch.int64)))


def test_memberships_are_posteriors_and_distances_from_each_gaussian(mixture, learned):
    labels = balanced(50, learned.classes)
    x, labels = torch.from_numpy(learned.draw(labels, 5)), torch.from_numpy(labels)
    posterior, distances = mixture.memberships(x, 0.3, labels)
    assert torch.allclose(posterior, mixture.component_posterior(x, 0.3, labels))
    means = torch.from_numpy(learned.means) * 0.7
    spread = torch.from_numpy(learned.covariances) * 0.49 + 0.09 * torch.eye(2).double()
    away = x[:, None] - means
    plain = torch.einsum("nki,kij,nkj->nk", away, spread.inverse(), away)
    assert torch.allclose(distances, plain, rtol=1e-6, atol=1e-6)

"""What errors do to a distribution, and the guidance weights that undo them, known by algebra."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from w2s.plane.errors import Errors
from w2s.plane.mixture import Mixture
from w2s.plane.tree import WORLDS, balanced

TRUTH = WORLDS["few"].grow()


def test_no_errors_leave_the_truth():
    learned = Errors().applied(TRUTH)
    for name in ("weights", "means", "covariances", "levels"):
        assert np.array_equal(getattr(learned, name), getattr(TRUTH, name))


def test_smooth_is_noise_of_that_deviation_on_every_class():
    means, covariances = Errors(smooth=0.1).applied(TRUTH).moments()
    assert means == pytest.approx(TRUTH.moments()[0])
    assert covariances == pytest.approx(TRUTH.moments()[1] + 0.01 * np.eye(2))


def test_blur_mixes_every_class_with_all_and_leaves_the_whole():
    x = torch.from_numpy(TRUTH.draw(balanced(50, 4), 0))
    true, blurred = Mixture(TRUTH), Mixture(Errors(blur=0.3).applied(TRUTH))
    label = torch.tensor([1])
    expected = 0.7 * true.log_density(x, 0.1, label).exp() + 0.3 * true.log_density(x, 0.1).exp()
    assert torch.allclose(blurred.log_density(x, 0.1, label).exp(), expected)
    assert torch.allclose(blurred.log_density(x, 0.1), true.log_density(x, 0.1))


def test_shallow_leaves_the_later_branches_out():
    learned = Errors(shallow=2).applied(TRUTH)
    kept = TRUTH.levels < 2
    assert np.array_equal(learned.means, TRUTH.means[kept])
    assert learned.weights.sum(1) == pytest.approx(np.ones(4))
    ratios = learned.weights[0, :24] / TRUTH.weights[0, kept][:24]
    assert ratios == pytest.approx(np.full(24, ratios[0])), "what is left keeps its proportions"


def best_weight(strong, weak, t, weak_labels=True):
    """The weight w that brings ``weak + w (strong - weak)`` nearest the truth, in least squares."""
    labels = torch.from_numpy(balanced(4000, 4))
    drawn = torch.from_numpy(TRUTH.draw(labels.numpy(), 0))
    noise = torch.randn(drawn.shape, generator=torch.Generator().manual_seed(0))
    x = (1 - t) * drawn + t * noise
    true = Mixture(TRUTH).velocity(x, t, labels)
    strong = Mixture(strong.applied(TRUTH)).velocity(x, t, labels)
    weak = Mixture(weak.applied(TRUTH)).velocity(x, t, labels if weak_labels else None)
    step = strong - weak
    return float(((true - weak) * step).sum() / (step * step).sum())


@pytest.mark.parametrize("rho", [0.05, 0.1, 0.4])
def test_guidance_undoes_an_unlearned_condition_at_noise(rho):
    """There velocities differ by class means alone, and blur shrinks those by 1 - rho."""
    main = Errors(blur=rho)
    assert best_weight(main, main, 1.0, weak_labels=False) == pytest.approx(1 / (1 - rho))
    assert best_weight(main, main, 0.999, weak_labels=False) == pytest.approx(
        1 / (1 - rho), rel=2e-3
    )


@pytest.mark.parametrize(("rho", "weaker"), [(0.1, 0.3), (0.05, 0.1)])
def test_autoguidance_undoes_a_condition_that_its_weak_network_learned_less(rho, weaker):
    expected = weaker / (weaker - rho)
    assert best_weight(Errors(blur=rho), Errors(blur=weaker), 1.0) == pytest.approx(expected)


@pytest.mark.parametrize(("h", "weaker"), [(0.03, 0.06), (0.1, 0.2), (0.05, 0.06)])
def test_autoguidance_undoes_detail_that_its_weak_network_fits_less(h, weaker):
    """Towards noise velocities differ by covariances, to which smoothing adds its square."""
    expected = weaker**2 / (weaker**2 - h**2)
    found = best_weight(Errors(smooth=h), Errors(smooth=weaker), 0.999)
    assert found == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize(
    "fields",
    [
        {"smooth": -0.1},
        {"smooth": float("nan")},
        {"blur": 1.0},
        {"blur": -0.1},
        {"shallow": 0},
        {"shallow": 1.5},
        {"smoth": 0.1},
    ],
)
def test_errors_that_mean_nothing_are_refused(fields):
    with pytest.raises(ValidationError):
        Errors(**fields)

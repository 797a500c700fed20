"""What errors do to a distribution."""

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

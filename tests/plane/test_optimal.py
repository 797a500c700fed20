"""The weights that undo errors, and where guidance points, known by algebra."""

import numpy as np
import pytest
import torch

from w2s.plane.errors import Errors
from w2s.plane.mixture import Mixture
from w2s.plane.optimal import best_weight, cosine
from w2s.plane.tree import WORLDS, balanced

TRUTH = WORLDS["few"].grow()
SHARED = Errors(blur=0.1, smooth=0.03), Errors(blur=0.1, smooth=0.06)  # the label error in both


def velocities(strong, weak, t, weak_labels=True):
    """True, strong and weak velocities on the way of the same points to noise."""
    labels = torch.from_numpy(balanced(4000, 4))
    drawn = torch.from_numpy(TRUTH.draw(labels.numpy(), 0))
    noise = torch.randn(drawn.shape, generator=torch.Generator().manual_seed(0))
    x = (1 - t) * drawn + t * noise
    true = Mixture(TRUTH).velocity(x, t, labels)
    strong = Mixture(strong.applied(TRUTH)).velocity(x, t, labels)
    weak = Mixture(weak.applied(TRUTH)).velocity(x, t, labels if weak_labels else None)
    return true, strong, weak


def random(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(50, 2, generator=generator, dtype=torch.float64) for _ in range(3)]


@pytest.mark.parametrize("rho", [0.05, 0.1, 0.4])
def test_guidance_undoes_an_unlearned_condition_at_noise(rho):
    """There velocities differ by class means alone, and blur shrinks those by 1 - rho."""
    main = Errors(blur=rho)
    assert best_weight(*velocities(main, main, 1.0, weak_labels=False)) == pytest.approx(
        1 / (1 - rho)
    )
    assert best_weight(*velocities(main, main, 0.999, weak_labels=False)) == pytest.approx(
        1 / (1 - rho), rel=2e-3
    )


@pytest.mark.parametrize(("rho", "weaker"), [(0.1, 0.3), (0.05, 0.1)])
def test_autoguidance_undoes_a_condition_that_its_weak_network_learned_less(rho, weaker):
    expected = weaker / (weaker - rho)
    assert best_weight(*velocities(Errors(blur=rho), Errors(blur=weaker), 1.0)) == pytest.approx(
        expected
    )


@pytest.mark.parametrize(("h", "weaker"), [(0.03, 0.06), (0.1, 0.2), (0.05, 0.06)])
def test_autoguidance_undoes_detail_that_its_weak_network_fits_less(h, weaker):
    """Towards noise velocities differ by covariances, to which smoothing adds its square."""
    expected = weaker**2 / (weaker**2 - h**2)
    found = best_weight(*velocities(Errors(smooth=h), Errors(smooth=weaker), 0.999))
    assert found == pytest.approx(expected, rel=5e-3)


def test_no_other_weight_comes_nearer():
    true, strong, weak = random()
    weights = np.linspace(-2, 4, 6001)
    errors = [float((weak + w * (strong - weak) - true).norm()) for w in weights]
    assert best_weight(true, strong, weak) == pytest.approx(weights[np.argmin(errors)], abs=1e-3)


def test_a_cosine_says_how_much_of_the_error_the_best_weight_takes_away():
    true, strong, weak = random()
    guided = weak + best_weight(true, strong, weak) * (strong - weak)
    left = float((true - guided).norm() / (true - strong).norm())
    assert left == pytest.approx((1 - cosine(true, strong, weak) ** 2) ** 0.5)


def test_a_direction_is_right_opposite_or_of_no_use():
    strong, direction, _ = random()
    aside = torch.stack([direction[:, 1], -direction[:, 0]], 1)
    for error, weight, said in [(0.5 * direction, 1.5, 1), (-direction, 0, -1), (aside, 1, 0)]:
        given = strong + error, strong, strong - direction
        assert best_weight(*given) == pytest.approx(weight)
        assert cosine(*given) == pytest.approx(said)


def test_which_point_is_which_does_not_matter():
    given, order = random(), torch.randperm(50)
    for function in (best_weight, cosine):
        assert function(*(v[order] for v in given)) == pytest.approx(function(*given))


def test_cfg_points_at_the_label_error_at_noise_and_autoguidance_at_detail_near_the_data():
    """Of an error in both, one direction exaggerates the labels and the other the detail alone."""
    main, weak = SHARED
    times = (0.05, 0.5, 0.95)
    cfg = [cosine(*velocities(main, main, t, weak_labels=False)) for t in times]
    auto = [cosine(*velocities(main, weak, t)) for t in times]
    assert cfg[0] < 0.5 < cfg[1] < cfg[2]
    assert cfg[2] > 0.99
    assert auto[0] > 0.8
    assert auto[2] < 0.1


def test_what_has_no_direction_or_no_error_is_refused():
    true, strong, _ = random()
    for function in (best_weight, cosine):
        with pytest.raises(ValueError, match="guidance has no direction"):
            function(true, strong, strong)
    with pytest.raises(ValueError, match="there is no error"):
        cosine(strong, strong, true)

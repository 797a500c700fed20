"""Power-function averages: the published constants, the weights they give, least squares."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from w2s.training.ema import PowerEMA
from w2s.training.power import decay, exponent, product, solve


def test_published_exponents():
    """EDM2, section 3.1: gamma = 16.97 for a length of 5 %, 6.94 for 10 %."""
    assert exponent(0.05) == pytest.approx(16.97, abs=0.005)
    assert exponent(0.10) == pytest.approx(6.94, abs=0.005)


@given(st.floats(0.01, 0.28))
def test_the_profile_has_the_length_asked_for(std):
    g = exponent(std)  # mean and variance of the density (g + 1) s^g on [0, 1]
    variance = (g + 1) / (g + 3) - ((g + 1) / (g + 2)) ** 2
    assert np.sqrt(variance) == pytest.approx(std, rel=1e-6)


@pytest.mark.parametrize("std", [0.0, -0.1, 0.3, float("nan")])
def test_impossible_lengths_are_refused(std):
    with pytest.raises(ValueError, match=r"between 0 and 0\.288"):
        exponent(std)


def test_inner_products_equal_their_integrals():
    s = (np.arange(200_000) + 0.5) / 200_000 * 90

    def profile(step, g):
        return np.where(s <= step, (g + 1) * (s / step) ** g / step, 0)

    for a, ga, b, gb in [(90, 6.9, 90, 17.0), (40, 3.0, 90, 8.0), (90, 8.0, 40, 3.0)]:
        integral = (profile(a, ga) * profile(b, gb)).mean() * 90
        assert product(a, ga, b, gb) == pytest.approx(integral, rel=1e-4)


def test_decay_gives_each_step_its_share_of_the_profile():
    g, weights = 6.94, np.zeros(51)
    for step in range(1, 51):
        weights *= decay(step, g)
        weights[step] += 1 - decay(step, g)
    s = np.arange(51) / 50
    np.testing.assert_allclose(weights[1:], np.diff(s ** (g + 1)), atol=1e-12)


def test_a_tracked_length_is_found_exactly():
    found, error = solve([100, 100, 200, 200], [0.05, 0.1, 0.05, 0.1], 200, 0.1)
    np.testing.assert_allclose(found, [0, 0, 0, 1], atol=1e-9)
    assert error < 1e-6


def test_more_snapshots_rebuild_a_length_more_closely():
    errors = []
    for count in (2, 8, 32):
        steps = np.repeat(np.linspace(0, 1000, count + 1)[1:], 2)
        found, error = solve(steps, np.tile([0.05, 0.1], count), 1000, 0.15)
        assert found.sum() == pytest.approx(1)
        errors.append(error)
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.02


def test_averages_follow_the_rule_and_never_the_start():
    net = nn.Linear(2, 1, bias=False)
    ema, seen = PowerEMA(net, [0.05, 0.1]), []
    for step in range(1, 30):
        nn.init.constant_(net.weight, float(np.sin(step)))
        seen.append(np.sin(step))
        ema.update(step)
    for std, average in ema.nets.items():
        shares = np.diff((np.arange(30) / 29) ** (exponent(std) + 1))
        expected = torch.full((1, 2), float(shares @ seen))
        torch.testing.assert_close(average.weight.data, expected, atol=1e-6, rtol=1e-5)
        assert not average.weight.requires_grad
    assert ema.first is ema.nets[0.05]
    other = PowerEMA(nn.Linear(2, 1, bias=False), [0.05, 0.1])
    other.load(ema.tensors())
    assert torch.equal(other.nets[0.1].weight, ema.nets[0.1].weight)

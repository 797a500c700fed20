import math
from itertools import pairwise

import pytest
import torch

from w2s.sampling.grid import time_grid
from w2s.sampling.solvers import SOLVERS, euler, heun

S0 = 0.5  # standard deviation of Gaussian data, for which the velocity is known


def gaussian_velocity(x, t):
    """``E[eps - x0 | x_t = x]`` for x0 ~ N(0, S0^2)."""
    variance = (1 - t) ** 2 * S0**2 + t**2
    return (t - (1 - t) * S0**2) / variance * x


def draw(solver, steps, count=40_000, last=None):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, generator=generator, dtype=torch.float64)
    times = time_grid(steps, last=last)
    for t, s in pairwise(times):
        x = SOLVERS[solver](
            gaussian_velocity, x, t, s, lambda: torch.randn(count, generator=generator).double()
        )
    return x


@pytest.mark.parametrize(
    ("solver", "last"), [("euler", None), ("heun", None), ("sde", None), ("sde", 0.04)]
)
def test_gaussian_data_come_out_with_their_own_spread(solver, last):
    x = draw(solver, 200, last=last)
    assert x.std().item() == pytest.approx(S0, rel=0.02)
    assert x.mean().item() == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2)])
def test_the_order_of_convergence(solver, order):
    exact = S0 * torch.randn(5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    errors = [(draw(solver, n, count=5) - exact).abs().max().item() for n in (64, 128)]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.25)


def test_an_sde_step_is_the_score_form_of_the_paper():
    x, t, s, v, z = torch.tensor(0.3), 0.6, 0.5, torch.tensor(-0.8), torch.tensor(1.7)
    score = -(x + (1 - t) * v) / t
    diffusion = 2 * t
    want = x + (s - t) * (v - diffusion * score / 2) + math.sqrt(diffusion * (t - s)) * z
    assert torch.allclose(SOLVERS["sde"](lambda x, t: v, x, t, s, lambda: z), want)


def test_only_the_sde_asks_for_noise_and_not_in_its_last_step():
    def never():
        raise AssertionError

    x = torch.ones(2)
    for solver, s in (("euler", 0.5), ("heun", 0.5), ("sde", 0.0)):
        SOLVERS[solver](gaussian_velocity, x, 0.8, s, never)


def test_heun_ends_with_an_euler_step_and_never_evaluates_at_zero():
    seen = []

    def field(x, t):
        seen.append(t)
        return x

    x = torch.ones(2)
    assert torch.equal(heun(field, x, 0.2, 0.0, None), euler(field, x, 0.2, 0.0, None))
    assert 0.0 not in seen


def test_grids_fall_from_one_to_zero_and_hit_plain_fractions_exactly():
    assert time_grid(4) == (1.0, 0.75, 0.5, 0.25, 0.0)
    assert time_grid(1, last=0.04) == (1.0, 0.0)
    sit = time_grid(250, last=0.04)
    assert (len(sit), sit[0], sit[-1]) == (251, 1.0, 0.0)
    assert sit[-2] == pytest.approx(0.04)
    assert all(a > b for a, b in pairwise(sit))


def test_the_published_sd3_schedule():
    lowest = 3 * 0.001 / (1 + 2 * 0.001)  # the shifted last training time
    times = time_grid(28, shift=3.0, last=lowest)
    for index, published in {1: 0.9874, 13: 0.7647, 14: 0.7371, 26: 0.1109, 27: 0.0089}.items():
        assert times[index] == pytest.approx(published, abs=6e-5)

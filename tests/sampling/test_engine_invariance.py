"""Cutting a trajectory, reordering a batch and splitting it change no sample."""

import pytest
import torch
from engine_methods import NAMES, TIMES, draw, guidance, resolved
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from w2s.conditions.base import Condition
from w2s.sampling.denoiser import Denoiser

FEW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
BORDERS = st.sampled_from(TIMES[1:-1])


@st.composite
def methods(draw_from):
    """Any two methods in windows that touch, cross-faded or not."""
    upper, lower = (guidance(draw_from(st.sampled_from(NAMES))) for _ in range(2))
    border = draw_from(BORDERS)
    blend = draw_from(st.sampled_from([0.0, 0.3]))
    upper |= {"window": [border, 1], "blend": blend}
    return resolved(upper, lower | {"window": [0, border]})


@pytest.fixture
def denoiser(net, weak):
    return Denoiser(net, {"small": weak})


def rows(condition, order):
    return Condition(*(tuple(tensor[order] for tensor in part) for part in condition))


@FEW
@given(methods(), st.sampled_from(["euler", "heun", "sde"]), st.sets(st.integers(1, 5)))
def test_cuts_anywhere_change_no_bit(denoiser, x, condition, methods, solver, cuts):
    whole, _ = draw(denoiser, x, condition, methods, solver)
    state = None
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 6], strict=True):
        x, state = draw(
            denoiser, x, condition, methods, solver, start=start, stop=stop, state=state
        )
    assert torch.equal(x, whole)


@FEW
@given(methods(), st.sampled_from(["euler", "sde"]), st.permutations(range(4)))
def test_a_permuted_batch_gives_the_samples_permuted(
    denoiser, x, condition, methods, solver, order
):
    whole, _ = draw(denoiser, x, condition, methods, solver)
    permuted, _ = draw(denoiser, x[order], rows(condition, order), methods, solver, order)
    assert (permuted - whole[order]).norm() <= 1e-5 * whole.norm()


@FEW
@given(methods(), st.sampled_from(["euler", "sde"]), st.integers(1, 3))
def test_a_split_batch_gives_the_same_samples(denoiser, x, condition, methods, solver, cut):
    whole, _ = draw(denoiser, x, condition, methods, solver)
    parts = [list(range(cut)), list(range(cut, 4))]
    split = [
        draw(denoiser, x[part], rows(condition, part), methods, solver, part)[0] for part in parts
    ]
    assert (torch.cat(split) - whole).norm() <= 1e-5 * whole.norm()

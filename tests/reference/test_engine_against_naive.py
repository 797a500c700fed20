"""Engine and methods together against naive sampling, on random networks."""

import naive_guidance as naive
import pytest
import torch
from naive_cases import CASES, LAYOUTS, compare, name_of
from naive_sampler import Predictions, random_sit

from w2s.conditions.base import Condition
from w2s.guidance.registry import METHODS
from w2s.sampling.denoiser import Denoiser


@pytest.fixture(scope="module")
def nets():
    return {"main": random_sit(0), "small": random_sit(1, hidden_size=8, depth=3, head_at=None)}


@pytest.fixture(scope="module")
def engine(nets):
    return Denoiser(nets["main"], {"small": nets["small"]})


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_a_plain_formula(name):
    assert hasattr(naive, name), f"tests/reference/naive_guidance.py has no formula {name}"
    assert name in map(name_of, CASES)


@pytest.mark.parametrize("solver", ["euler", "heun", "sde"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES)
def test_engine_and_method_equal_naive_sampling(nets, engine, case, layout, solver):
    labels, null = torch.tensor([3, 1]), torch.full((2,), 4)

    def predict(x, t):
        return Predictions(nets, labels, null, x, t)

    condition = Condition((labels,), (null,))
    compare(engine, predict, condition, (2, 3, 4, 4), case, layout, solver)

"""Engine and methods together against naive sampling, on small networks of points."""

import pytest
import torch
from naive_cases import CASES, compare
from naive_sampler import Predictions

from w2s.conditions.base import Condition
from w2s.models.load import build
from w2s.sampling.denoiser import Denoiser


def random_mlp(seed, **changes):
    """A network of points whose every weight is random."""
    net = build({"kind": "mlp", "hidden": 16, "depth": 6, "classes": 4, "head_at": 2} | changes)
    generator = torch.Generator().manual_seed(seed)
    for parameter in net.parameters():
        draw = torch.randn(parameter.shape, generator=generator)
        parameter.data = draw * (0.9 / parameter[0].numel() ** 0.5 if draw.dim() > 1 else 0.1)
    return net.eval()


@pytest.mark.parametrize("layout", ["full", "blended"])
@pytest.mark.parametrize("case", CASES)
def test_engine_and_method_equal_naive_sampling(case, layout):
    nets = {"main": random_mlp(0), "small": random_mlp(1, hidden=8, depth=3, head_at=None)}
    labels, null = torch.tensor([3, 1]), torch.full((2,), 4)

    def predict(x, t):
        return Predictions(nets, labels, null, x, t)

    engine = Denoiser(nets["main"], {"small": nets["small"]})
    condition = Condition((labels,), (null,))
    compare(engine, predict, condition, (2, 2, 1, 1), case, layout, "heun")

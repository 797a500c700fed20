"""tanh-GELU: torch's values and gradients up to rounding, and torch's own off the CPU's float32."""

import pytest
import torch
import torch.nn.functional as F

from w2s.models.gelu import gelu

X = torch.cat([torch.linspace(-12, 12, 100_001), torch.tensor([0.0, -100.0, 100.0])])


def reference(x):
    return F.gelu(x, approximate="tanh")


def test_values_are_torchs():
    exact = reference(X.double())
    ours, torchs = (gelu(X) - exact).abs().max(), (reference(X) - exact).abs().max()
    assert ours < 1e-6
    assert ours < 2 * torchs  # no farther from the truth than rounding takes torch


def test_values_with_and_without_gradient_agree():
    torch.testing.assert_close(gelu(X.clone().requires_grad_()), gelu(X), rtol=0, atol=5e-7)


def test_gradients_are_torchs():
    x, exact = X.clone().requires_grad_(), X.double().requires_grad_()
    weights = torch.linspace(-2, 2, len(X))
    (ours,) = torch.autograd.grad(gelu(x), x, weights)
    (wanted,) = torch.autograd.grad(reference(exact), exact, weights.double())
    torch.testing.assert_close(ours.double(), wanted, rtol=1e-5, atol=5e-6)


def test_the_input_is_left_alone():
    for x in (X.clone(), X.clone().requires_grad_()):
        gelu(x)
        assert torch.equal(x, X)


def test_any_layout_will_do():
    x = torch.randn(4, 6, 5).transpose(0, 2)
    torch.testing.assert_close(gelu(x), reference(x))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions_are_torchs_own(dtype):
    assert torch.equal(gelu(X.to(dtype)), reference(X.to(dtype)))


def test_under_autocast_a_network_trains_in_half_precision():
    layer = torch.nn.Linear(8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        out = gelu(layer(torch.randn(3, 8)))
    assert out.dtype == torch.bfloat16
    out.float().sum().backward()
    assert layer.weight.grad.isfinite().all()

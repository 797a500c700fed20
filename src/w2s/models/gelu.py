"""GELU by its tanh form, faster on the CPU than torch's and equal to it up to rounding.

``gelu(x) = x sigmoid(p)`` with ``p = 2 sqrt(2 / pi) (x + 0.044715 x^3)``: one exponential instead
of torch's tanh, which is what the CPU spends its time on.  The derivative, ``s + x s (1 - s) p'``
with ``s = sigmoid(p)``, is formed along with the value: the backward pass is then one product.
Gaussian Error Linear Units, arXiv 1606.08415, section 2.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

LINEAR = 2 * math.sqrt(2 / math.pi)  # p = LINEAR x + CUBIC x^3
CUBIC = 0.044715 * LINEAR


def gelu(x: Tensor) -> Tensor:
    """tanh-GELU of any shape; torch's own unless x is float32 on the CPU."""
    if x.device.type != "cpu" or x.dtype != torch.float32:
        return F.gelu(x, approximate="tanh")
    if torch.is_grad_enabled() and x.requires_grad:
        return _WithDerivative.apply(x)
    return _gate(x * x, x).mul_(x)


def _gate(square: Tensor, x: Tensor) -> Tensor:
    """sigmoid(p), written over `square`, which holds x^2."""
    return square.mul_(CUBIC).add_(LINEAR).mul_(x).sigmoid_()


class _WithDerivative(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        square = x * x
        s = _gate(square.clone(), x)
        y = x * s
        slope = square.mul_(3 * CUBIC).add_(LINEAR)  # p'
        rest = torch.addcmul(y, y, s, value=-1)  # x s (1 - s)
        ctx.save_for_backward(s.addcmul_(rest, slope))
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient: Tensor) -> Tensor:
        (derivative,) = ctx.saved_tensors
        return gradient * derivative

"""What guidance could do about a network's error at one noise level, in least squares.

Guidance gives ``weak + w (strong - weak) = strong + (w - 1) d`` with the direction
``d = strong - weak``, and the strong prediction's error is ``true - strong``.  Velocities are
(N, 2), of N points at one time t; inner products are sums over all of them, so that the result is
of the error's mean square at that time and not of one point.
"""

from __future__ import annotations

from torch import Tensor


def best_weight(true: Tensor, strong: Tensor, weak: Tensor) -> float:
    """w*(t), the weight that brings the guided velocities nearest the true ones.

    ``w* = <true - weak, d> / |d|^2``; 1 where the direction says nothing about the error, below 1
    where it points away from the truth.  Raises ValueError where strong and weak are the same.
    """
    direction = _direction(strong, weak)
    return float(((true - weak) * direction).sum() / direction.square().sum())


def cosine(true: Tensor, strong: Tensor, weak: Tensor) -> float:
    """Cosine from -1 to 1 between the direction of guidance and the true error.

    ``<d, true - strong> / (|d| |true - strong|)``: what share of the error's root mean square the
    best weight can take away is ``1 - sqrt(1 - cosine^2)``.  Raises ValueError where strong and
    weak are the same, or strong and true.
    """
    direction, error = _direction(strong, weak), true - strong
    if not error.any():
        raise ValueError("the strong velocities are the true ones: there is no error to point at")
    return float((direction * error).sum() / (direction.norm() * error.norm()))


def _direction(strong: Tensor, weak: Tensor) -> Tensor:
    direction = strong - weak
    if not direction.any():
        raise ValueError("strong and weak velocities are the same: guidance has no direction")
    return direction

"""Adaptive projected guidance (arXiv 2410.02416)."""

from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from w2s.guidance.nonlinear import Nonlinear, dot
from w2s.guidance.weights import weight_at


class APG(Nonlinear):
    """CFG on x0 whose update is averaged, bounded and stripped of its parallel part:

    ``delta_i = (a - b) + beta delta_(i-1)``, shortened to a norm of at most r, split into the
    parts parallel and orthogonal to ``a``; ``x0 = a + (w - 1) (orthogonal + eta parallel)``,
    ``a`` and ``b`` the conditional and null predictions of x0, norms per sample.

    Signals: conditional and null.  Cost: 2 forwards.  Defined on x0.
    State: ``momentum``, the last unshortened delta in units of x0.  `at` sets beta to 0 in the
    first guided step of a window, which so starts anew.  At t = 0, where x0 is known, the update
    is its limit without momentum.
    Sadat et al., arXiv 2410.02416; there eta 0, beta from -0.75 to -0.5, r from 2.5 to 15.
    """

    source: ClassVar[str] = "2410.02416"
    formula: ClassVar[str] = "x0 = a + (w − 1) (δ_⊥a + η δ_∥a), δ_i = a − b + β δ_(i−1), |δ| ≤ r"
    space: ClassVar[str] = "x0"
    sweep: ClassVar[tuple[float, ...]] = (1.5, 2.0, 3.0, 4.0, 6.0)

    method: Literal["apg"] = "apg"
    eta: float = Field(default=0.0, ge=0, le=1)
    """Share of the parallel part that is kept; 1 with no momentum and no bound is CFG."""
    momentum: float = Field(default=-0.5, gt=-1, lt=1)
    """Weight beta of the previous step's update; negative values push away from it."""
    max_norm: float | None = Field(default=None, gt=0)
    """Bound r on the norm of the update in latent units; not given, none."""

    def at(self, step):
        """As all nonlinear methods; without momentum in the window's first step above w = 1."""
        method = super().at(step)
        earlier = (replace(step, index=i) for i in range(step.first, step.index))
        if not isinstance(method, APG) or any(weight_at(self.weight, s) > 1 for s in earlier):
            return method
        return method.model_copy(update={"momentum": 0.0})

    def extrapolate(self, c, u, x, t, state):
        a, delta = x - t * c, t * (u - c)
        if self.momentum != 0:
            delta = delta + self.momentum * state.tensors["momentum"]
        state.tensors["momentum"] = delta
        update = c - u if t == 0 else -delta / t
        if self.max_norm is not None:
            norm = dot(delta, delta).sqrt()
            update = update * (self.max_norm / norm.clamp_min(1e-30)).clamp(max=1)
        parallel = dot(update, a) / dot(a, a).clamp_min(1e-30) * a
        return c + (self.weight - 1) * (update - (1 - self.eta) * parallel)

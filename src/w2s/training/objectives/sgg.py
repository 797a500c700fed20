"""Segmented weak-to-strong guidance learned in training (arXiv 2603.20584)."""

from typing import ClassVar, Literal

from w2s.guidance.base import HEAD, NULL
from w2s.training.objectives.base import BaseObjective, Pull, Scale, Time, pushed


class SGG(BaseObjective):
    """``target = u + k sg(g)``: g = v_c - v_null for t > tau, g = v - v_m for t <= tau.

    The paper's form; `sgg_code` is what its released code computes.  The mid head is trained by
    its own denoising loss, ``head_weight`` of the recipe.
    arXiv 2603.20584.  Forwards per step: 1 for t <= tau; 3 above, or 2 without EMA.
    """

    source: ClassVar[str] = "2603.20584"
    formula: ClassVar[str] = "MSE(v, u + k sg(v_c - v_u if t > tau else v - v_m)) + r MSE(v_m, u)"

    name: Literal["sgg"] = "sgg"
    scale: Scale = 0.5
    """Strength k of the pull, 0 to below 1; the trained-in guidance weight is 1 / (1 - k)."""
    tau: Time = 0.2
    """Time t that parts the null branch (above) from the mid head (at and below)."""
    weak_ema: bool = True
    """Take the pair with the null branch from the first EMA; the head's is always in training."""

    def pulls(self):
        return (Pull(HEAD, 0.0, self.tau), Pull(NULL, self.tau, 1.0, ema=self.weak_ema))

    def loss(self, v, u, t, gap, head):
        return pushed(v, u, gap, self.scale)

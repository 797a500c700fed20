"""Segmented weak-to-strong guidance learned in training (arXiv 2603.20584)."""

from typing import ClassVar, Literal

from w2s.guidance.base import HEAD, NULL
from w2s.training.objectives.base import BaseObjective, Pull, Scale, Time


class SGG(BaseObjective):
    """``target = u + k sg(g)``: g = v_c - v_null for t > tau, g = v - v_m for t <= tau.

    The paper's form; `sgg_code` is what its released code computes.  The mid head is trained by
    its own denoising loss, ``head_weight`` of the recipe.  The null pair comes from the weights in
    training, as in that code, unless `weak_ema` is on.
    arXiv 2603.20584.  Forwards per step: 1 for t <= tau; 2 above, or 3 with `weak_ema`.
    """

    source: ClassVar[str] = "2603.20584"
    formula: ClassVar[str] = "MSE(v, u + k sg(v_c - v_u if t > tau else v - v_m)) + r MSE(v_m, u)"

    name: Literal["sgg"] = "sgg"
    scale: Scale | tuple[Scale, Scale] = 0.5
    """Strength k of the pull, 0 to below 1; as a list, above tau and below it.  The trained-in
    guidance weight is 1 / (1 - k)."""
    tau: Time = 0.2
    """Time t that parts the null branch (above) from the mid head (at and below)."""
    weak_ema: bool = False
    """Take the pair with the null branch from the first EMA; the head's is always in training."""

    def pulls(self):
        above, below = self.scale if isinstance(self.scale, tuple) else (self.scale, self.scale)
        return (
            Pull(HEAD, 0.0, self.tau, below),
            Pull(NULL, self.tau, 1.0, above, ema=self.weak_ema),
        )

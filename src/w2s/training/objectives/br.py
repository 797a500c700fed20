"""Branch objective: away from the network's own mid-depth head (arXiv 2603.20584)."""

from typing import ClassVar, Literal

from w2s.guidance.base import HEAD
from w2s.training.objectives.base import BaseObjective, Pull, Scale, Window


class BR(BaseObjective):
    """Learn guidance by the mid head: ``target = u + k sg(v - v_m)``.

    The head itself is trained by its own denoising loss, ``head_weight`` of the recipe.
    arXiv 2603.20584, "Branch"; also the training form of Internal Guidance, arXiv 2512.24176.
    Forwards per step: 1, the head is read off the same pass (2 with `weak_ema`).
    """

    source: ClassVar[str] = "2603.20584"
    formula: ClassVar[str] = "MSE(v, u + k sg(v - v_m)) + r MSE(v_m, u)"

    name: Literal["br"] = "br"
    scale: Scale = 0.3
    """Strength k of the pull, 0 to below 1; the trained-in guidance weight is 1 / (1 - k)."""
    window: Window = (0.0, 1.0)
    """Times t, low and high, between which the target is moved."""
    weak_ema: bool = False
    """Take both predictions from the first EMA rather than from the weights in training."""

    def pulls(self):
        return (Pull(HEAD, *self.window, self.scale, ema=self.weak_ema),)

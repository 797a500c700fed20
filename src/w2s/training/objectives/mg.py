"""Model guidance (arXiv 2502.12154)."""

from typing import ClassVar, Literal

from w2s.guidance.base import NULL
from w2s.training.objectives.base import BaseObjective, Pull, Scale, Window, pushed


class MG(BaseObjective):
    """Learn classifier-free guidance: ``target = u + k sg(v_c - v_null)``.

    Samples whose label was dropped train the null class plainly.  Both predictions come from the
    EMA weights, as the paper has them, unless `weak_ema` is off.
    Tang et al., arXiv 2502.12154.  Forwards per step inside the window: 3, or 2 without EMA.
    """

    source: ClassVar[str] = "2502.12154"
    formula: ClassVar[str] = "MSE(v, u + k sg(v_c - v_u))"

    name: Literal["mg"] = "mg"
    scale: Scale = 0.5
    """Strength k of the pull, 0 to below 1; the trained-in guidance weight is 1 / (1 - k)."""
    window: Window = (0.0, 1.0)
    """Times t, low and high, between which the target is moved."""
    weak_ema: bool = True
    """Take both predictions from the first EMA rather than from the weights in training."""

    def pulls(self):
        return (Pull(NULL, *self.window, ema=self.weak_ema),)

    def loss(self, v, u, t, gap, head):
        return pushed(v, u, gap, self.scale)

"""Model guidance (arXiv 2502.12154)."""

from typing import ClassVar, Literal

from w2s.guidance.base import NULL
from w2s.training.objectives.base import BaseObjective, Pull, Scale, Window


class MG(BaseObjective):
    """Learn classifier-free guidance: ``target = u + k sg(v_c - v_null)``.

    Samples whose label was dropped train the null class plainly.  Tang et al., arXiv 2502.12154,
    take both predictions from the EMA weights (`weak_ema`); the code of arXiv 2603.20584, whose
    figures the paper scale cites for MG, takes them from the weights in training, as the default.
    Forwards per step inside the window: 2, or 3 with `weak_ema`.
    """

    source: ClassVar[str] = "2502.12154"
    formula: ClassVar[str] = "MSE(v, u + k sg(v_c - v_u))"

    name: Literal["mg"] = "mg"
    scale: Scale = 0.5
    """Strength k of the pull, 0 to below 1; the trained-in guidance weight is 1 / (1 - k)."""
    window: Window = (0.0, 1.0)
    """Times t, low and high, between which the target is moved."""
    weak_ema: bool = False
    """Take both predictions from the first EMA rather than from the weights in training."""

    def pulls(self):
        return (Pull(NULL, *self.window, self.scale, ema=self.weak_ema),)

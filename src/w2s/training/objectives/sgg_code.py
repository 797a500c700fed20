"""Segmented guidance as the released code computes it (arXiv 2603.20584)."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from w2s.guidance.base import HEAD, NULL
from w2s.training.objectives.base import BaseObjective, Pull, Scale, Window, mse


class SGGCode(BaseObjective):
    """Three stretches of t, with weights in training throughout (no EMA).

    - low < t <= high: ``MSE(v, u + k sg(v_c - v_null))``;
    - t <= low: ``MSE(v, u) + r MSE(v, v_m)``, no stop-gradient;
    - t > high: ``MSE(v, u)``.

    The second line is the known sign problem: it pulls v towards the weak head (fixed point
    ``(u + r v_m) / (1 + r)``, a guidance weight of 1 / (1 + r) below one), where the paper pushes
    it away, and v_m is taught to copy v rather than to denoise: the released loss has no
    ``MSE(v_m, u)``, which a recipe's ``head_weight`` would add.  `sgg` is the paper's form.
    The released script sets high to 0.8 and names its run 1.0.
    github.com/851695e35/SGG, sit/loss.py, "Segmented".  Forwards per step inside the window: 2.
    """

    source: ClassVar[str] = "2603.20584, released code"
    formula: ClassVar[str] = "t < low: MSE(v, u) + r MSE(v, v_m); else MSE(v, u + k sg(v_c - v_u))"
    teaches_head: ClassVar[bool] = True

    name: Literal["sgg_code"] = "sgg_code"
    scale: Scale = 0.6
    """Strength k of the pull inside the window, 0 to below 1."""
    window: Window = (0.2, 0.8)
    """Times t, low and high, between which the target is moved away from the null branch."""
    ratio: Annotated[float, Field(ge=0)] = 0.2
    """Weight r of the pull towards the mid head below the window."""

    def pulls(self):
        return (Pull(NULL, *self.window, self.scale),)

    def trained_in(self):
        return (*super().trained_in(), (HEAD, 0.0, self.window[0], 1 / (1 + self.ratio)))

    def loss(self, v, u, t, push, head):
        below = (t <= self.window[0]).to(v.dtype)
        return super().loss(v, u, t, push, head) + self.ratio * below * mse(v, head)

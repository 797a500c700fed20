"""Internal guidance: extrapolate from a head at mid depth (arXiv 2512.24176)."""

from typing import ClassVar, Literal

from w2s.guidance.affine import Affine
from w2s.guidance.base import HEAD, NULL, STRONG, Signal
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.weights import Weight, without_schedules


class Internal(Affine):
    """Extrapolate from the mid-depth head, within both branches of CFG if that is wanted:

    ``D = v_m + w (v - v_m)`` with the condition and without, then ``v = D_u + g (D_c - D_u)``.

    Signals: conditional and its head; with g other than 1 the null branch and its head too.
    Cost: 1 forward, the head being a tap; 2 with CFG; head_at/depth where w is 0.  State: none.
    Zhou et al., arXiv 2512.24176.
    """

    source: ClassVar[str] = "2512.24176"
    formula: ClassVar[str] = "D_u + g (D_c − D_u), D = v_m + w (v − v_m)"
    needs: ClassVar[str] = "conditional, its mid head; null and its mid head if g ≠ 1"
    cost: ClassVar[str] = "1; 2 if g ≠ 1"

    method: Literal["internal"] = "internal"
    weight: Weight
    """Guidance weight w, a number or a schedule over the window; 1 is unguided."""
    cfg: Weight = 1.0
    """Weight g of the CFG around it, a number or a schedule over the window; 1 is none."""

    def at(self, step):
        """The method with the weights of this step; plain CFG, or None, where w is 1."""
        method = without_schedules(self, step)
        return CFG(weight=method.cfg).at(step) if method.weight == 1 else method

    def coefficients(self):
        w, g = self.weight, self.cfg
        return {
            STRONG: g * w,
            HEAD: g * (1 - w),
            NULL: (1 - g) * w,
            Signal(null=True, head=True): (1 - g) * (1 - w),
        }

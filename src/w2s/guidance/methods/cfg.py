"""Classifier-free guidance (arXiv 2207.12598)."""

from typing import ClassVar, Literal

from w2s.guidance.affine import Affine
from w2s.guidance.base import NULL, STRONG
from w2s.guidance.weights import Weight


class CFG(Affine):
    """Extrapolate from the null branch: ``v = v_u + w (v_c - v_u)``.

    Signals: conditional and null.  Cost: 2 forwards; 1 where w is 1 or 0.  State: none.
    Ho & Salimans, arXiv 2207.12598, eq. 6 with w there equal to w - 1 here.
    """

    source: ClassVar[str] = "2207.12598, eq. 6"
    formula: ClassVar[str] = "v_u + w (v_c − v_u)"
    needs: ClassVar[str] = "conditional, null"
    cost: ClassVar[str] = "2"

    method: Literal["cfg"] = "cfg"
    weight: Weight
    """Guidance weight w, a number or a schedule over the window; 1 is unguided."""

    def coefficients(self):
        return {STRONG: self.weight, NULL: 1 - self.weight}

"""Classifier-free guidance (arXiv 2207.12598)."""

from typing import ClassVar, Literal

from w2s.guidance.base import NULL, STRONG, Method
from w2s.guidance.weights import Weight, weight_at


class CFG(Method):
    """Extrapolate from the null branch: ``v = v_null + w (v_c - v_null)``.

    Signals: conditional and null.  Cost: 2 forwards; 1 where w is 1 or 0.  State: none.
    Ho & Salimans, arXiv 2207.12598, eq. 6 with w there equal to w - 1 here.
    """

    source: ClassVar[str] = "2207.12598, eq. 6"
    formula: ClassVar[str] = "v_u + w (v_c - v_u)"

    method: Literal["cfg"] = "cfg"
    weight: Weight
    """Guidance weight w, a number or a schedule over the window; 1 is unguided."""

    def at(self, step):
        """The method with the weight of this step; None where it is 1."""
        weight = weight_at(self.weight, step)
        return None if weight == 1 else self.model_copy(update={"weight": weight})

    def signals(self):
        return (STRONG, NULL) if self.weight != 0 else (NULL,)

    def combine(self, v, x, t, state):
        if self.weight == 0:
            return v[NULL]
        return v[NULL] + self.weight * (v[STRONG] - v[NULL])

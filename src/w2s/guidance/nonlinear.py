"""Methods that combine the conditional and the null prediction, but not linearly."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from w2s.guidance.base import NULL, STRONG, Method, State
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.weights import Weight, without_schedules

if TYPE_CHECKING:
    from torch import Tensor


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Inner product of each sample, shaped (batch, 1, 1, 1)."""
    return (a * b).sum(dim=tuple(range(1, a.ndim)), keepdim=True)


class Nonlinear(Method):
    """Base of the methods that bend or damp CFG's extrapolation beyond w = 1.

    All of them are the conditional prediction at w = 1.  Below, where their papers do not
    define them, they interpolate as CFG does, down to the null prediction alone at w = 0.
    """

    affine: ClassVar[bool] = False
    space: ClassVar[str]  # the prediction the paper combines: "v", "ε" or "x0"
    needs: ClassVar[str] = "conditional, null"
    cost: ClassVar[str] = "2"

    weight: Weight
    """Guidance weight w, a number or a schedule over the window; 1 is unguided."""

    def at(self, step):
        """The method with the weight of this step; CFG where it is below 1, None where it is 1."""
        method = without_schedules(self, step)
        return method if method.weight > 1 else CFG(weight=method.weight).at(step)

    def signals(self):
        return (STRONG, NULL)

    def combine(self, v, x, t, state):
        return self.extrapolate(v[STRONG], v[NULL], x, t, state)

    def extrapolate(self, c: Tensor, u: Tensor, x: Tensor, t: float, state: State) -> Tensor:
        """The guided velocity from the conditional ``c`` and the null velocity ``u``, w > 1."""
        raise NotImplementedError

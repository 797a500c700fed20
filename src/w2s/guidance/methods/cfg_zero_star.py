"""CFG-Zero*: a rescaled null branch and a still start (arXiv 2503.18886)."""

from typing import ClassVar, Literal

from pydantic import Field

from w2s.guidance.nonlinear import Nonlinear, dot


class CFGZeroStar(Nonlinear):
    """CFG against the null velocity at its best scale, after steps of zero velocity:

    ``v = s v_u + w (v_c - s v_u)`` with ``s = <v_c, v_u> / |v_u|^2`` per sample, and ``v = 0`` in
    the first `zero_init` steps of the trajectory.

    Signals: conditional and null; none in a step of zero velocity.  Cost: 2 forwards; 0 there.
    State: none.  Defined on v.
    Fan et al., arXiv 2503.18886.
    """

    source: ClassVar[str] = "2503.18886"
    formula: ClassVar[str] = (
        "s v_u + w (v_c − s v_u), s = ⟨v_c, v_u⟩ / |v_u|²; 0 in the first steps"
    )
    space: ClassVar[str] = "v"
    cost: ClassVar[str] = "2; 0 in the first steps"
    example: ClassVar[dict] = {"zero_init": 0}

    method: Literal["cfg_zero_star"] = "cfg_zero_star"
    zero_init: int = Field(default=1, ge=0)
    """Steps of zero velocity at the trajectory's start (after `at`: 1 if this step is one)."""

    def at(self, step):
        """As all nonlinear methods; `zero_init` says whether this step has zero velocity."""
        method = super().at(step)
        if not isinstance(method, CFGZeroStar):
            return method
        return method.model_copy(update={"zero_init": int(step.index < self.zero_init)})

    def signals(self):
        return () if self.zero_init else super().signals()

    def combine(self, v, x, t, state):
        return x.new_zeros(x.shape) if self.zero_init else super().combine(v, x, t, state)

    def extrapolate(self, c, u, x, t, state):
        scaled = dot(c, u) / dot(u, u).clamp_min(1e-30) * u
        return scaled + self.weight * (c - scaled)

"""Magnitude-aware guidance, MAMBO-G (arXiv 2508.03442)."""

from typing import ClassVar, Literal

from pydantic import Field

from w2s.guidance.nonlinear import Nonlinear, dot


class MamboG(Nonlinear):
    """CFG, weaker where the two predictions differ much:

    ``v = v_u + w' (v_c - v_u)`` with ``w' = 1 + (w - 1) exp(-alpha |v_c - v_u| / |v_u|)``, norms
    per sample.

    Signals: conditional and null.  Cost: 2 forwards.  State: none.  Defined on v.
    Zhu et al., arXiv 2508.03442.
    """

    source: ClassVar[str] = "2508.03442"
    formula: ClassVar[str] = "v_u + w′ (v_c − v_u), w′ = 1 + (w − 1) exp(−α |v_c − v_u| / |v_u|)"
    space: ClassVar[str] = "v"
    sweep: ClassVar[tuple[float, ...]] = (2.0, 4.0, 7.0, 10.0, 15.0)

    method: Literal["mambo_g"] = "mambo_g"
    alpha: float = Field(default=8.0, ge=0)
    """Strength of the damping; 0 is plain CFG."""

    def extrapolate(self, c, u, x, t, state):
        d = c - u
        ratio = (dot(d, d) / dot(u, u).clamp_min(1e-30)).sqrt()
        return c + (self.weight - 1) * (-self.alpha * ratio).exp() * d

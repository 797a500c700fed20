"""Angle domain guidance (arXiv 2506.11039)."""

import math
from typing import ClassVar, Literal

from w2s.guidance.nonlinear import Nonlinear, dot


class ADG(Nonlinear):
    """Turn the conditional clean image away from the null one instead of extrapolating.

    With ``a`` and ``b`` the conditional and null predictions of x0, theta the angle between them,
    ``turn = min((w - 1) theta, pi/3)`` and ``e`` the part of ``a`` orthogonal to ``b``, each per
    sample: ``x0 = cos(turn) a + sin(turn) / sin(theta) e``.  Its squared norm is at most
    ``2 |a|^2``.

    Signals: conditional and null.  Cost: 2 forwards.  State: none.  Defined on x0.
    Jin et al., arXiv 2506.11039.
    """

    source: ClassVar[str] = "2506.11039"
    formula: ClassVar[str] = "x0 = cos θ_w a + (sin θ_w / sin θ) a_⊥b, θ_w = min((w − 1) θ, π/3)"
    space: ClassVar[str] = "x0"

    method: Literal["adg"] = "adg"

    def extrapolate(self, c, u, x, t, state):
        a, b, d = x - t * c, x - t * u, c - u
        bb = dot(b, b)
        d = d - dot(b, d) / bb.clamp_min(1e-30) * b  # e = -t d, without cancellation at small t
        theta = (t * (dot(d, d) * bb).sqrt()).atan2(dot(a, b))
        # At the ends the quotient tends to w - 1 or meets an e of zero; the margin avoids 0/0.
        theta = theta.clamp(1e-4, math.pi - 1e-4)
        turn = ((self.weight - 1) * theta).clamp(max=math.pi / 3)
        guided = c + turn.sin() / theta.sin() * d
        return guided if t == 0 else guided + 2 / t * (turn / 2).sin() ** 2 * a

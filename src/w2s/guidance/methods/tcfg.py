"""Tangential damping CFG (arXiv 2503.18137)."""

from typing import ClassVar, Literal

from w2s.guidance.nonlinear import Nonlinear, dot


class TCFG(Nonlinear):
    """CFG against the part of the null noise that agrees with the conditional one:

    ``eps = eps_u' + w (eps_c - eps_u')``, ``eps_u'`` the projection of ``eps_u`` on the first
    right singular vector of the matrix of rows ``eps_c`` and ``eps_u``, per sample.

    Signals: conditional and null.  Cost: 2 forwards.  State: none.  Defined on eps, or on the
    score, which is a multiple of it.
    Kwon et al., arXiv 2503.18137.
    """

    source: ClassVar[str] = "2503.18137"
    formula: ClassVar[str] = "ε_u′ + w (ε_c − ε_u′), ε_u′ = ε_u along the first singular vector"
    space: ClassVar[str] = "ε"

    method: Literal["tcfg"] = "tcfg"

    def extrapolate(self, c, u, x, t, state):
        """In closed form, finite up to t = 1, where both noises are x.

        The rows' sum s and difference r d (r = 1 - t, d = c - u) have the same right singular
        vectors as the rows; the second is ``cos(phi) r d - sin(phi) s``.
        """
        r, d = 1 - t, c - u
        s = 2 * x + r * (c + u)
        sd, gap = dot(s, d), dot(s, s) - r**2 * dot(d, d)
        phi = (2 * r * sd).atan2(gap) / 2
        slope = phi.sin() / r if r > 0 else sd / gap.clamp_min(1e-30)  # sin(phi) / r
        tangent = phi.cos() * d - slope * s
        damped = u + (phi.sin() + phi.cos()) / 2 * tangent
        return c + (self.weight - 1) * (c - damped)

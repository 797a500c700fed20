"""CFG with its standard deviation restored (arXiv 2305.08891)."""

from typing import ClassVar, Literal

from pydantic import Field

from w2s.guidance.methods.cfg import CFG
from w2s.guidance.nonlinear import Nonlinear


class CFGRescale(Nonlinear):
    """CFG, drawn back towards the standard deviation of the conditional velocity:

    ``v = phi std(v_c) / std(g) g + (1 - phi) g`` with ``g = v_u + w (v_c - v_u)``, standard
    deviations over all values of a sample.

    Signals: conditional and null.  Cost: 2 forwards.  State: none.  Defined on the network's
    output, here v.
    Lin et al., arXiv 2305.08891, section 3.4.
    """

    source: ClassVar[str] = "2305.08891, section 3.4"
    formula: ClassVar[str] = "(φ σ(v_c)/σ(g) + 1 − φ) g, g = v_u + w (v_c − v_u)"
    space: ClassVar[str] = "v"

    method: Literal["cfg_rescale"] = "cfg_rescale"
    rescale: float = Field(default=0.7, ge=0, le=1)
    """Share phi of the correction; 0 is plain CFG."""

    def at(self, step):
        """As all nonlinear methods; plain CFG where phi is 0."""
        method = super().at(step)
        if isinstance(method, CFGRescale) and method.rescale == 0:
            return CFG(weight=method.weight)
        return method

    def extrapolate(self, c, u, x, t, state):
        guided = c + (self.weight - 1) * (c - u)
        axes = tuple(range(1, x.ndim))
        spread = guided.std(dim=axes, keepdim=True).clamp_min(1e-30)
        scale = c.std(dim=axes, keepdim=True) / spread
        return (self.rescale * scale + (1 - self.rescale)) * guided

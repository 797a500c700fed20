"""Classifier-free guidance (arXiv 2207.12598)."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from w2s.guidance.affine import Affine
from w2s.guidance.base import NULL, STRONG
from w2s.guidance.weights import Weight


class CFG(Affine):
    """Extrapolate from the null branch: ``v = v_u + w (v_c - v_u)``.

    With `channels` only in so many channels, from the first on, and ``v = v_c`` in the others:
    `forward_with_cfg` in the code of DiT (arXiv 2212.09748) and SiT (2401.08740).
    Signals: conditional and null.  Cost: 2 forwards; 1 where w is 1, or 0 in all channels.  State:
    none.
    Ho & Salimans, arXiv 2207.12598, eq. 6 with w there equal to w - 1 here.
    """

    source: ClassVar[str] = "2207.12598, eq. 6"
    formula: ClassVar[str] = "v_u + w (v_c − v_u)"
    needs: ClassVar[str] = "conditional, null"
    cost: ClassVar[str] = "2"

    method: Literal["cfg"] = "cfg"
    weight: Weight
    """Guidance weight w, a number or a schedule over the window; 1 is unguided."""
    channels: PositiveInt | None = Field(default=None, exclude_if=lambda given: given is None)
    """How many channels of the latents are guided, from the first on; null: all.  The released
    code of DiT and SiT guides 3 of 4."""

    def coefficients(self):
        return {STRONG: self.weight, NULL: 1 - self.weight}

    def signals(self):
        if self.channels is None or self.weight == 1:
            return super().signals()
        return (STRONG, NULL)

    def combine(self, v, x, t, state):
        guided = super().combine(v, x, t, state)
        if self.channels is None:
            return guided
        few = slice(None), slice(self.channels)
        mixed = v[STRONG].clone()
        mixed[few] = guided[few]
        return mixed

"""AutoGuidance: extrapolate from a weaker network (arXiv 2406.02507)."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from w2s.guidance.affine import Affine
from w2s.guidance.base import STRONG, Signal
from w2s.guidance.weights import Weight


def _separate(net: str) -> str:
    if net in ("", "main"):
        raise ValueError("give the name of a network other than main, the guided one itself")
    return net


class AutoGuidance(Affine):
    """Extrapolate from a weak network: ``v = v_S + w (v_c - v_S)``.

    Both networks see the same condition; the weak one is smaller, less trained, or both.
    Signals: conditional, and conditional of the weak network.  Cost: 1 + r forwards, r the cost
    of the weak network relative to the main one; 1 where w is 1, r where it is 0.  State: none.
    Karras et al., arXiv 2406.02507.
    """

    source: ClassVar[str] = "2406.02507"
    formula: ClassVar[str] = "v_S + w (v_c − v_S)"
    needs: ClassVar[str] = "conditional, weak network"
    cost: ClassVar[str] = "1 + weak/main"
    example: ClassVar[dict] = {"weak": "small"}

    method: Literal["autoguidance"] = "autoguidance"
    weight: Weight
    """Guidance weight w, a number or a schedule over the window; 1 is unguided."""
    weak: Annotated[str, AfterValidator(_separate)]
    """Name of the weak network."""

    def coefficients(self):
        return {STRONG: self.weight, Signal(net=self.weak): 1 - self.weight}

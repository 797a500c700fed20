"""AutoGuidance learned in training (arXiv 2603.20584, 2406.02507)."""

from typing import ClassVar, Literal

from w2s.guidance.base import Signal
from w2s.training.objectives.base import BaseObjective, Pull, Scale, Window


class AG(BaseObjective):
    """Learn guidance by a separate weak network: ``target = u + k sg(v - v_S)``.

    The weak network is finished and frozen; the released code of arXiv 2603.20584 trains it
    alongside, one update in four.  Both see the same label, so that a dropped label makes an
    unconditional pair.  Forwards per step inside the window: 1 and one of the weak network.
    """

    source: ClassVar[str] = "2603.20584"
    formula: ClassVar[str] = "MSE(v, u + k sg(v - v_S))"

    name: Literal["ag"] = "ag"
    scale: Scale = 0.3
    """Strength k of the pull, 0 to below 1; the trained-in guidance weight is 1 / (1 - k)."""
    window: Window = (0.0, 1.0)
    """Times t, low and high, between which the target is moved."""

    def pulls(self):
        return (Pull(Signal(net="weak"), *self.window, self.scale),)

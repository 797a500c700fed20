"""Layer skipping learned in training (arXiv 2603.20584, 2411.18664)."""

from typing import ClassVar, Literal

from w2s.guidance.base import Signal
from w2s.training.objectives.base import BaseObjective, Blocks, Pull, Scale, Window


class SLG(BaseObjective):
    """Learn skip-layer guidance: ``target = u + k sg(v - v_k)``, blocks replaced by the identity.

    arXiv 2603.20584, "LayerSkip".  Forwards per step inside the window: 1 and the blocks that
    follow the first skipped one; those before it are shared.
    """

    source: ClassVar[str] = "2603.20584"
    formula: ClassVar[str] = "MSE(v, u + k sg(v - v_k))"

    name: Literal["slg"] = "slg"
    scale: Scale = 0.3
    """Strength k of the pull, 0 to below 1; the trained-in guidance weight is 1 / (1 - k)."""
    skip: Blocks = (3,)
    """Transformer blocks to skip, counted from 0."""
    window: Window = (0.0, 1.0)
    """Times t, low and high, between which the target is moved."""

    def pulls(self):
        return (Pull(Signal(skip=tuple(sorted(set(self.skip)))), *self.window, self.scale),)

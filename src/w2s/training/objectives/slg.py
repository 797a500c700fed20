"""Layer skipping learned in training (arXiv 2603.20584, 2411.18664)."""

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from w2s.guidance.base import Signal
from w2s.training.objectives.base import BaseObjective, Pull, Scale, Window, pushed

Blocks = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...],
    BeforeValidator(lambda blocks: tuple(blocks) if isinstance(blocks, list) else blocks),
    Field(min_length=1),
]


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
        return (Pull(Signal(skip=tuple(sorted(set(self.skip)))), *self.window),)

    def loss(self, v, u, t, gap, head):
        return pushed(v, u, gap, self.scale)

"""S²-Guidance: skip-layer guidance with blocks drawn anew in each step (arXiv 2508.12880)."""

import random
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from w2s.guidance.base import Method, Step
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.methods.skip_layer import SkipLayer
from w2s.guidance.weights import Weight, without_schedules


class S2(Method):
    """Skip-layer guidance on top of CFG with randomly dropped blocks:

    ``v = v_u + g (v_c - v_u) + (w - 1) (v_c - mean_j v_rj)``.

    The blocks follow from the seed and the step's number alone.  `at` gives the skip-layer
    guidance with these blocks, and plain CFG at noise levels outside `active`.  The paper's
    omega is w - 1 and its lambda is g; it draws one set a step, more masks average over as many.

    Signals: conditional, one forward per mask, and null where g is not 1.  Cost: 2 forwards and
    1 - dropped/depth per mask, less the leading blocks shared with the conditional forward; 2
    outside `active`.  State: none.
    Chen et al., arXiv 2508.12880; there omega 0.25, about a tenth of the blocks, and the central
    80 % of noise levels.
    """

    source: ClassVar[str] = "2508.12880"
    formula: ClassVar[str] = "v_u + g (v_c − v_u) + (w − 1) (v_c − mean_j v_rj)"
    needs: ClassVar[str] = "conditional, blocks dropped at random (one per mask), null if g ≠ 1"
    cost: ClassVar[str] = (
        "1 + masks × (1 − dropped/depth), less the shared leading blocks; + 1 if g ≠ 1"
    )
    example: ClassVar[dict] = {
        "cfg": 1.0,
        "droppable": [2, 4],
        "fraction": 1.0,
        "active": [0.0, 1.0],
    }
    sweep: ClassVar[tuple[float, ...]] = (1.1, 1.25, 1.5, 2.0, 2.5)

    method: Literal["s2"] = "s2"
    weight: Weight = 1.25
    """Weight w against the dropped forwards, a number or a schedule; 1 is plain CFG."""
    cfg: Weight
    """Weight g of the CFG underneath, a number or a schedule over the window; 1 is none."""
    droppable: Annotated[tuple[int, int], Field(strict=False)]
    """First block that may be dropped, and one past the last (0-based)."""
    fraction: float = Field(default=0.1, gt=0, le=1)
    """Share of the droppable blocks that is dropped, rounded, at least one block."""
    masks: int = Field(default=1, ge=1, le=64)
    """How many draws are averaged in each step."""
    active: Annotated[tuple[float, float], Field(strict=False)] = (0.1, 0.9)
    """Lowest and highest t at which blocks are dropped."""
    seed: int = 0
    """Seed of the draws; independent of the sampler's noise."""

    @model_validator(mode="after")
    def _check_ranges(self):
        first, stop = self.droppable
        if not 0 <= first < stop:
            raise ValueError("droppable must be [first, stop] with 0 <= first < stop")
        low, high = self.active
        if not 0 <= low <= high <= 1:
            raise ValueError("active must be [low, high] with 0 <= low <= high <= 1")
        return self

    def draw(self, index: int) -> tuple[tuple[int, ...], ...]:
        """The blocks dropped in the step of this number, one ascending tuple per mask."""
        rng = random.Random(f"{self.seed}/{index}")
        blocks = range(*self.droppable)
        count = max(1, round(self.fraction * len(blocks)))
        # Only random() is promised to draw alike in every Python version.
        shuffled = [sorted(blocks, key=lambda _: rng.random()) for _ in range(self.masks)]
        return tuple(tuple(sorted(mask[:count])) for mask in shuffled)

    def at(self, step: Step) -> Method | None:
        """Skip-layer guidance with this step's blocks, plain CFG, or None."""
        method = without_schedules(self, step)
        low, high = self.active
        if not low <= step.t <= high:
            return CFG(weight=method.cfg).at(step)
        blocks = self.draw(step.index)
        skip = blocks[0] if self.masks == 1 else blocks
        return SkipLayer(weight=method.weight, blocks=skip, cfg=method.cfg).at(step)

"""Skip-layer guidance: extrapolate from the network without some blocks (arXiv 2411.18664)."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from w2s.guidance.affine import Affine
from w2s.guidance.base import NULL, STRONG, Signal
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.weights import Weight, without_schedules


def _ascending(blocks: tuple[int, ...]) -> tuple[int, ...]:
    if list(blocks) != sorted(set(blocks)):
        raise ValueError("list each block once, in ascending order")
    return blocks


Block = Annotated[int, Field(ge=0)]
Blocks = Annotated[tuple[Block, ...], Field(strict=False, min_length=1), AfterValidator(_ascending)]
Sets = Annotated[tuple[Blocks, ...], Field(strict=False, min_length=1)]


class SkipLayer(Affine):
    """Extrapolate from a forward without some blocks, on top of CFG if that is wanted:

    ``v = v_c + (g - 1) (v_c - v_u) + (w - 1) (v_c - v_k)``,

    which is ``v_k + w (v_c - v_k)`` for g = 1.  Several sets of blocks stand for the mean of
    their predictions.  SD3 code adds ``s (v_c - v_k)`` to CFG instead: s = w - 1.

    Signals: conditional, conditional with the blocks skipped, and null where g is not 1.
    Cost: 2 - n/depth forwards with n blocks skipped, one more with CFG; blocks before the first
    skipped one are shared with the conditional forward.  State: none.
    Hyung et al., arXiv 2411.18664, for one set of blocks.
    """

    source: ClassVar[str] = "2411.18664"
    formula: ClassVar[str] = "v_c + (g − 1) (v_c − v_u) + (w − 1) (v_c − v_k)"
    needs: ClassVar[str] = "conditional, blocks skipped, null if g ≠ 1"
    cost: ClassVar[str] = "2 − skipped/depth, less the shared leading blocks; + 1 if g ≠ 1"
    example: ClassVar[dict] = {"blocks": [2, 3]}

    method: Literal["skip_layer"] = "skip_layer"
    weight: Weight
    """Guidance weight w, a number or a schedule over the window; 1 is unguided."""
    blocks: Blocks | Sets
    """Blocks replaced by the identity, 0-based and ascending; or several such lists."""
    cfg: Weight = 1.0
    """Weight g of the CFG underneath, a number or a schedule over the window; 1 is none."""

    def at(self, step):
        """The method with the weights of this step; plain CFG, or None, where w is 1."""
        method = without_schedules(self, step)
        return CFG(weight=method.cfg).at(step) if method.weight == 1 else method

    def coefficients(self):
        sets = (self.blocks,) if isinstance(self.blocks[0], int) else self.blocks
        result = {STRONG: self.cfg + self.weight - 1, NULL: 1 - self.cfg}
        for blocks in sets:
            skipped = Signal(skip=blocks)
            result[skipped] = result.get(skipped, 0) + (1 - self.weight) / len(sets)
        return result

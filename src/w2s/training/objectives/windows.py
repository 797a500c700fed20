"""Any list of windows: the form that the named objectives are special cases of."""

from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from w2s.guidance.base import Signal
from w2s.strict import Strict
from w2s.training.objectives.base import BaseObjective, Blocks, Pull, Scale, Window


class TrainingWindow(Strict):
    """A range of t, and the weak signal that its samples move away from."""

    window: Window = (0.0, 1.0)
    """Times t, low and high, where 1 is noise; the window holds low < t <= high."""
    away_from: Literal["unconditional", "head", "skipped", "weak"]
    """Weak signal: the null branch, the mid head, the network without the blocks under skip, or the
    recipe's weak model."""
    scale: Scale
    """Strength k of the pull, 0 to below 1; the trained-in guidance weight is 1 / (1 - k)."""
    skip: Blocks | None = None
    """Transformer blocks, counted from 0, that the weak signal leaves out."""
    weak_ema: bool = False
    """Take the network's own predictions from the first EMA, not from the weights in training."""

    @model_validator(mode="after")
    def _blocks(self):
        if self.away_from == "skipped" and self.skip is None:
            raise ValueError("away_from: skipped needs the blocks to leave out, under skip")
        if self.away_from == "weak" and self.skip is not None:
            raise ValueError(
                "skip is for the network in training; a weak model leaves out blocks by its own "
                "part: {skip: ...}"
            )
        return self

    def pull(self) -> Pull:
        """The window as training uses it."""
        weak = Signal(
            null=self.away_from == "unconditional",
            skip=tuple(sorted(set(self.skip or ()))),
            head=self.away_from == "head",
            net="weak" if self.away_from == "weak" else "main",
        )
        return Pull(weak, *self.window, self.scale, ema=self.weak_ema)


def _apart(windows: tuple[TrainingWindow, ...]) -> tuple[TrainingWindow, ...]:
    for lower, upper in pairwise(sorted(windows, key=lambda w: w.window)):
        if upper.window[0] < lower.window[1]:
            raise ValueError(
                f"two windows overlap between t = {upper.window[0]:g} and {lower.window[1]:g}; "
                "let one end where the other begins"
            )
    return windows


class Windows(BaseObjective):
    """``target = u + k sg(strong - weak)``, with k and the weak signal of the window that holds t.

    Times in no window train plainly.  The mid head, where a window names it, is trained by its own
    denoising loss, ``head_weight`` of the recipe.  Forwards per step: 1, and for the samples
    inside a window those of its weak signal: 1 for the null branch or a weak model of equal size,
    the blocks after the first skipped one, 0 for the head; with `weak_ema` one more for the strong
    prediction, and the head's pass is that same one.
    """

    source: ClassVar[str] = "2603.20584"
    formula: ClassVar[str] = "MSE(v, u + k sg(v - v_weak)), by window"

    name: Literal["windows"] = "windows"
    windows: Annotated[tuple[TrainingWindow, ...], Field(min_length=1), AfterValidator(_apart)]
    """Windows over t, none overlapping another."""

    def pulls(self):
        return tuple(window.pull() for window in self.windows)

"""What a training objective is: windows over t, each with a weak signal and a strength.

Inside a window an objective moves the target of flow matching away from a weak prediction,

    target = u + k sg(strong - weak),    u = eps - x_0,    sg = stop-gradient.

Its fixed point is ``v = weak + (u - weak) / (1 - k)``: what sampling with the guidance weight
``w = 1 / (1 - k)`` would give, learned into one forward.

Nothing here imports torch, so that plans and parameter checks start fast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field

from w2s.guidance.base import Signal
from w2s.strict import Strict

if TYPE_CHECKING:
    from torch import Tensor

HEAD_WEIGHT = 0.2  # of the mid head's own loss, where an objective reads it (arXiv 2603.20584)


def _converges(scale: float) -> float:
    if scale >= 1:
        raise ValueError(
            f"k = {scale} diverges: the target's fixed point is weak + (u - weak) / (1 - k), "
            "so choose k below 1 (0.5 trains in the guidance weight 2)"
        )
    return scale


def _rises(window: tuple[float, float]) -> tuple[float, float]:
    low, high = window
    if not 0 <= low < high <= 1:
        raise ValueError(f"the window {low} to {high} must rise and lie within 0 to 1 (1 is noise)")
    return window


Scale = Annotated[float, Field(ge=0), AfterValidator(_converges)]
Time = Annotated[float, Field(ge=0, le=1)]
Window = Annotated[tuple[float, float], AfterValidator(_rises)]
Blocks = Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1)]


@dataclass(frozen=True)
class Pull:
    """One window of an objective: samples with ``low < t <= high`` leave a weak signal behind."""

    weak: Signal
    low: float
    high: float
    scale: float  # strength k, 0 to below 1
    ema: bool = False  # both predictions from the EMA weights, not from those in training


class BaseObjective(Strict):
    """Base of all objectives; parameters are pydantic fields."""

    version: ClassVar[int] = 1  # raise when `pulls` or `loss` give other results
    source: ClassVar[str] = ""  # paper and equation
    formula: ClassVar[str] = ""  # one line, for the table of recipes
    teaches_head: ClassVar[bool] = False  # the loss itself sends gradients into the mid head

    name: str
    """Name of the objective."""

    def pulls(self) -> tuple[Pull, ...]:
        """The windows, none of which overlap.  Outside of them training is plain."""
        return ()

    @property
    def reads_head(self) -> bool:
        """Whether a window moves away from the mid head, which then needs a loss of its own."""
        return any(pull.weak.head for pull in self.pulls())

    @property
    def reads_weak(self) -> bool:
        """Whether a window moves away from a separate weak network."""
        return any(pull.weak.net != "main" for pull in self.pulls())

    def trained_in(self) -> tuple[tuple[Signal, float, float, float], ...]:
        """The guidance that the fixed point amounts to: (weak signal, low, high, weight) by t."""
        return tuple((p.weak, p.low, p.high, 1 / (1 - p.scale)) for p in self.pulls())

    def loss(self, v: Tensor, u: Tensor, t: Tensor, push: Tensor, head: Tensor | None) -> Tensor:
        """The loss of each sample, ``MSE(v, u + push)``, shaped (N,).

        ``v`` is the prediction and ``u = eps - x_0`` its plain target, both (N, C, H, W); ``t``
        the times (N,); ``push`` k (strong - weak) of the window that holds t, without gradient,
        and zero in none; ``head`` the mid-depth head's prediction, None if it is not trained.
        """
        return mse(v, u + push.detach())


def mse(a: Tensor, b: Tensor) -> Tensor:
    """Mean squared difference of each sample: two (N, C, H, W) to (N,)."""
    return (a - b).square().flatten(1).mean(1)

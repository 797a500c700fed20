"""Time-varying CFG of given mean weight (arXiv 2509.22007)."""

import math
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from w2s.errors import UserError
from w2s.guidance.base import Method, Step
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.weights import MOST

INTERVAL = (0.15, 0.78)
SWITCH = 0.25


class TVCFG(Method):
    """CFG whose weight follows a shape with mean w over the window's time:

    ``v = v_u + w_i (v_c - v_u)`` with ``sum_i w_i dt_i = w sum_i dt_i``, dt_i the step lengths.

    ``symmetric``: rises from 1 to 2w - 1 in the middle of the steps and falls back, all scaled by
    one factor.  ``interval``: 1 outside the interval of t, one higher weight inside.  ``stepup``
    and ``stepdown``: one third of the higher weight in the early or the late steps, all scaled
    by one factor (the published runs leave out the scaling of these two).  For w up to 1 the
    weight is constant, so that 1 stays unguided and 0 the null branch alone.

    Signals: conditional and null.  Cost: 2 forwards; 1 in steps of weight 1.  State: none.
    `at` gives the plain CFG of the step.  arXiv 2509.22007.
    """

    source: ClassVar[str] = "2509.22007"
    formula: ClassVar[str] = "v_u + w_i (v_c − v_u), Σ w_i dt_i = w Σ dt_i"
    needs: ClassVar[str] = "conditional, null"
    cost: ClassVar[str] = "2"
    example: ClassVar[dict] = {"shape": "symmetric"}

    method: Literal["tv_cfg"] = "tv_cfg"
    weight: float = Field(ge=0, le=100)
    """Mean weight w over the window's time; 1 is unguided."""
    shape: Literal["symmetric", "interval", "stepup", "stepdown"]
    """How the weight changes over the window."""
    interval: Annotated[tuple[float, float], Field(strict=False)] | None = None
    """Only for shape interval: the t between which guidance acts; [0.15, 0.78] if not given."""
    switch: float | None = Field(default=None, gt=0, lt=1)
    """Only for stepup and stepdown: share of the steps before the switch; 0.25 if not given."""

    @model_validator(mode="after")
    def _check_shape(self):
        if self.interval is not None and self.shape != "interval":
            raise ValueError(f"shape {self.shape} does not use interval; remove it")
        if self.switch is not None and self.shape not in ("stepup", "stepdown"):
            raise ValueError(f"shape {self.shape} does not use switch; remove it")
        low, high = self.interval or INTERVAL
        if not 0 <= low < high <= 1:
            raise ValueError("interval must be [low, high] with 0 <= low < high <= 1")
        return self

    def at(self, step: Step) -> Method | None:
        """The CFG of this step, its weight a plain number; None where that is 1.

        Raises UserError if the mean would need a weight above 100 in some step of the window: so
        too if no step lies inside the interval.
        """
        weights = self.weights(step)
        if max(weights) > MOST * (1 + 1e-12):  # a mean of 100 in equal steps may round above
            raise UserError(
                f"tv_cfg of shape {self.shape} cannot reach a mean weight of {self.weight:g} in "
                f"its window of steps {step.first} to {step.last}: some step would need a weight "
                f"above {MOST:g}; lower the weight, or {self._remedy()}."
            )
        return CFG(weight=min(weights[step.index - step.first], MOST)).at(step)

    def _remedy(self) -> str:
        return "widen the interval" if self.shape == "interval" else "take another shape"

    def weights(self, step: Step) -> list[float]:
        """The weight of each step of the window that `step` lies in.

        They name nodes, so sums are exact: `sum` rounds otherwise from Python 3.12 on.
        """
        times = step.times[step.first : step.last + 1]
        if self.weight <= 1:
            return [self.weight] * (len(times) - 1)
        lengths = [a - b for a, b in pairwise(times)]
        if self.shape == "interval":
            return self._interval(times[:-1], lengths)
        shape = self._symmetric(len(lengths)) if self.shape == "symmetric" else self._step(lengths)
        mean = math.fsum(w * dt for w, dt in zip(shape, lengths, strict=True)) / math.fsum(lengths)
        return [self.weight * (w / mean) for w in shape]

    def _symmetric(self, n: int) -> list[float]:
        middle = n // 2
        rising = [i / middle for i in range(middle)]
        falling = [1 - i / max(n - middle - 1, 1) for i in range(n - middle)]
        return [1 + (2 * self.weight - 2) * height for height in rising + falling]

    def _step(self, lengths: list[float]) -> list[float]:
        last = max(len(lengths) - 1, 1)
        early, late = (1 / 3, 1) if self.shape == "stepup" else (1, 1 / 3)
        switch = SWITCH if self.switch is None else self.switch
        return [early if i / last < switch else late for i in range(len(lengths))]

    def _interval(self, times: tuple[float, ...], lengths: list[float]) -> list[float]:
        low, high = self.interval or INTERVAL
        inside = [low < t < high for t in times]
        length = math.fsum(dt for dt, within in zip(lengths, inside, strict=True) if within)
        if not length:
            return [math.inf] * len(inside)
        weight = 1 + (self.weight - 1) * math.fsum(lengths) / length
        return [weight if within else 1.0 for within in inside]

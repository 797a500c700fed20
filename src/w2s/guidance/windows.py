"""A guidance: windows over the noise level, each with a method, resolved to steps once.

A step from t_i lies in a window [lo, hi] of t where ``lo < t_i <= hi``, so windows that touch
share no step.  Steps in no window are plain conditional.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise
from operator import or_
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator

from w2s.errors import UserError
from w2s.guidance.base import Method, Step
from w2s.guidance.blend import Blend
from w2s.guidance.registry import METHODS
from w2s.strict import Strict, frozen

DIGITS = 12  # of the share of a cross-fade: coarser than its rounding, finer than its steps


class Span(Strict):
    """Where a window lies: a range of t or of steps, and how it gives way below."""

    window: Annotated[tuple[float, float], Field(strict=False)] | None = None
    """Range [lo, hi] of t, where 1 is noise and 0 data; [0, 1] if neither this nor `steps`."""
    steps: Annotated[tuple[int, int], Field(strict=False)] | None = None
    """Instead of `window`: first step, counted from 0, and one past the last."""
    blend: float = Field(default=0.0, ge=0, le=1)
    """Width in t of a linear cross-fade around the lower end of `window`; 0 is a hard switch."""

    @model_validator(mode="after")
    def _check(self):
        low, high = self.bounds
        if not 0 <= low < high <= 1:
            raise ValueError("window must be [lo, hi] with 0 <= lo < hi <= 1")
        if self.steps is None:
            return self
        if self.window is not None:
            raise ValueError("give window or steps, not both")
        if self.blend:
            raise ValueError("blend is a width in t and needs window instead of steps")
        if not 0 <= self.steps[0] < self.steps[1]:
            raise ValueError("steps must be [first, stop] with 0 <= first < stop")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """The range of t of a window that is not given in steps."""
        return (0.0, 1.0) if self.window is None else self.window

    def guide(self) -> Method:
        """The window's method alone."""
        kind = METHODS[self.method]
        return kind(**{name: getattr(self, name) for name in kind.model_fields})

    def touches(self, lower: Span) -> bool:
        """Whether `lower` begins where this window of t ends."""
        return self.steps is None and lower.steps is None and lower.bounds[1] == self.bounds[0]

    def faded(self, t: float) -> float:
        """How far this window has given way at t: 0 before its cross-fade or hard end, 1 after.

        Rounded, so that times at the borders of a cross-fade lie outside of it.
        """
        if self.blend == 0:
            return float(t <= self.bounds[0])
        share = round((self.bounds[0] + self.blend / 2 - t) / self.blend, DIGITS)
        return min(max(share, 0.0), 1.0)


def _check_layout(windows: tuple[Span, ...]) -> tuple[Span, ...]:
    """Refuse windows that overlap and cross-fades that do not fit."""
    by_step = sorted(w.steps for w in windows if w.steps is not None)
    for (_, stop), (first, _) in pairwise(by_step):
        if first < stop:
            raise ValueError(f"two windows overlap between steps {first} and {stop}")
    by_time = sorted((w for w in windows if w.steps is None), key=lambda w: w.bounds)
    for lower, upper in pairwise(by_time):
        if upper.bounds[0] < lower.bounds[1]:
            raise ValueError(
                f"two windows overlap between t = {upper.bounds[0]:g} and {lower.bounds[1]:g}; "
                "let one end where the other begins"
            )
    for lower, window in zip([None, *by_time], by_time, strict=False):
        touching = lower is not None and window.touches(lower)
        floor = lower.bounds[0] + lower.blend / 2 if touching else lower.bounds[1] if lower else 0
        low, high = window.bounds
        if window.blend and not (
            floor <= low - window.blend / 2 and low + window.blend / 2 <= high
        ):
            raise ValueError(f"the cross-fade around t = {low:g} does not fit; make blend smaller")
    return windows


def _listed(value: Any) -> Any:
    """A single mapping is one window over everything it says."""
    return frozen([value] if isinstance(value, dict | Span) else value)


_WINDOWS = tuple(
    create_model(f"{kind.__name__}Window", __base__=(kind, Span), __doc__=kind.__doc__)
    for kind in METHODS.values()
)
Window = Annotated[reduce(or_, _WINDOWS), Field(discriminator="method")]
"""A method's parameters and where they hold, in one mapping."""

Guidance = Annotated[
    tuple[Window, ...],
    BeforeValidator(_listed, json_schema_input_type=Window | tuple[Window, ...]),
    AfterValidator(_check_layout),
]
"""Windows, given as a list or as one mapping; none is unguided.  A pydantic field type."""


@dataclass(frozen=True)
class Acting:
    """A window resolved to the steps [first, last) in which it acts, cross-fades included."""

    window: Span
    first: int
    last: int

    @cached_property
    def guide(self) -> Method:
        """The window's method alone."""
        return self.window.guide()

    def at(self, index: int, times: tuple[float, ...]) -> Method | None:
        """Its method at a step."""
        return self.guide.at(Step(index, times, self.first, self.last))


def acting(guidance: Sequence[Span], times: Sequence[float]) -> list[Acting]:
    """The steps of each window, in order of falling t.

    Raises UserError where a window of steps ends after the last step.
    """
    starts, found = times[:-1], []
    for window in guidance:
        if window.steps is not None:
            first, last = window.steps
            if last > len(starts):
                raise UserError(
                    f"A window of method {window.method} ends at step {last}, but there are only "
                    f"{len(starts)} steps; set its steps to [{first}, {len(starts)}] or less."
                )
        else:
            above = [other for other in guidance if other.touches(window)]
            high = window.bounds[1]
            first = sum(above[0].faded(t) == 0 if above else t > high for t in starts)
            last = max(first, sum(window.faded(t) < 1 for t in starts))
        found.append(Acting(window, first, last))
    return sorted(found, key=lambda a: (a.first, a.last, -a.window.bounds[1]))


def resolve(guidance: Sequence[Span], times: Sequence[float]) -> list[Method | None]:
    """What is done at each step: a method free of schedules, or None for plain conditional.

    `times` are the N + 1 times of the trajectory; the result has N entries.  Raises UserError
    where windows in t and windows in steps overlap.
    """
    times = tuple(times)
    spans = acting(guidance, times)
    found: list[Method | None] = []
    for index in range(len(times) - 1):
        method = _at(index, times, [s for s in spans if s.first <= index < s.last])
        found.append(found[-1] if found and found[-1] == method else method)  # one object a run
    return found


def _at(index: int, times: tuple[float, ...], here: list[Acting]) -> Method | None:
    if not here:
        return None
    upper, *below = here
    if below and not (len(below) == 1 and upper.window.touches(below[0].window)):
        raise UserError(
            f"Windows of methods {upper.window.method} and {below[0].window.method} overlap in "
            f"step {index} (t = {times[index]:g}); move one of them."
        )
    share = upper.window.faded(times[index])
    first = upper.at(index, times)
    second = below[0].at(index, times) if below else None
    if share == 0 or first == second:
        return first
    return Blend(first=first, second=second, factor=share)


def windows_in_steps(guidance: Sequence[Span], times: Sequence[float]) -> list[dict]:
    """Each window for a manifest: its method, its range of t, and the steps in which it acts."""
    return [
        {
            "method": span.window.method,
            "window": list(
                span.window.bounds
                if span.window.steps is None
                else (times[span.last], times[span.first])
            ),
            "steps": [span.first, span.last],
            "blend": span.window.blend,
        }
        for span in acting(guidance, times)
    ]

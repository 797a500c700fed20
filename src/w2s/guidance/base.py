"""What a guidance method is: the signals it needs at a step, and how it combines them.

Notation, everywhere in this project: ``x_t = (1 - t) x_0 + t eps``, velocity ``v = eps - x_0``,
``t = 1`` is noise and ``t = 0`` is data.  A weight ``w`` multiplies from the weak signal,
``v_weak + w (v_strong - v_weak)``: ``w = 1`` is unguided, ``w = 0`` is the weak signal alone.

Nothing here imports torch, so that plans and parameter checks start fast; methods use tensor
operators only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from w2s.strict import Strict

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, order=True)
class Signal:
    """One prediction a denoiser can be asked for at ``(x, t)``."""

    null: bool = False  # the null class or negative prompt instead of the condition
    skip: tuple[int, ...] = ()  # transformer blocks (0-based, ascending) replaced by the identity
    head: bool = False  # read out at the mid-depth head instead of after the last block
    net: str = "main"  # "main", or the name of a separate weak network
    variance: bool = False  # the variance it predicts, read out in the place of the velocity

    @property
    def kind(self) -> tuple[bool, bool, bool, bool]:
        """In which ways it differs from the strong signal: null, skip, head, another network."""
        return self.null, bool(self.skip), self.head, self.net != "main"


STRONG = Signal()
NULL = Signal(null=True)
HEAD = Signal(head=True)
VARIANCE = Signal(variance=True)  # of the strong prediction; solvers ask for it, methods do not


@dataclass(frozen=True)
class Step:
    """Where a solver step lies: everything time-dependent that a method may use."""

    index: int  # 0-based number of the step in the whole trajectory
    times: tuple[float, ...]  # all N + 1 times of the trajectory, falling to t = 0
    first: int  # first step of the method's window
    last: int  # one past the last step of the method's window

    @property
    def t(self) -> float:
        """The time at which the step starts."""
        return self.times[self.index]

    @property
    def progress(self) -> float:
        """Position inside the window: 0 at its first step, 1 at its last (0 if it has one)."""
        return (self.index - self.first) / max(self.last - self.first - 1, 1)


@dataclass
class State:
    """What a method carries from step to step; it travels with a segment's boundary.

    `Method.combine` puts new tensors in the place of old ones and never writes into a tensor:
    states that start a step together share theirs, and so tell what was written.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)  # each with the batch as first axis


class Method(Strict):
    """Base of all guidance methods; parameters are pydantic fields.

    The life of a method: `at` turns the configured method into what is done at one step, with
    every schedule and random draw resolved to plain values; the result is what plans hash and
    manifests record.  `signals` says which predictions that needs, `combine` uses them.
    """

    version: ClassVar[int] = 1  # raise when `at`, `signals` or `combine` give other results
    affine: ClassVar[bool] = True  # coefficients sum to one: the same result in v, eps and x0
    source: ClassVar[str] = ""  # paper and equation
    formula: ClassVar[str] = ""  # one line, for the table of methods
    needs: ClassVar[str] = ""  # the predictions it asks for, for the table of methods
    cost: ClassVar[str] = ""  # forwards in a guided step, for the table of methods
    example: ClassVar[dict] = {}  # the arguments beside `weight` that it cannot do without, such
    # that it acts in every step, with no other guidance beneath: promises are tested on it
    sweep: ClassVar[tuple[float, ...]] = (1.25, 1.5, 2.0, 2.5, 3.0)  # weights to try by default

    method: str
    """Name of the method."""

    def at(self, step: Step) -> Method | None:
        """The method at this step, free of schedules; None where it is plain conditional."""
        return self

    def signals(self) -> tuple[Signal, ...]:
        """The predictions `combine` reads; only defined on the result of `at`."""
        raise NotImplementedError

    def combine(self, v: Mapping[Signal, Tensor], x: Tensor, t: float, state: State) -> Tensor:
        """The guided velocity, shaped like ``x`` (batch, channels, height, width).

        Replaces tensors of `state` where it changes them; writes into none, those of `v` included.
        """
        raise NotImplementedError

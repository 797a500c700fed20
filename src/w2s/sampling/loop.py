"""The sampling loop: from any step to any step of a trajectory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from w2s.conditions.base import Condition
from w2s.guidance.base import STRONG, VARIANCE, Method, Signal, State
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.solvers import SOLVERS


@dataclass
class Guided:
    """The guided velocity within one step.

    The method is the same at all of a solver's evaluations, and each starts from the state the
    step began with; the first evaluation's state goes on to the next step.
    """

    denoiser: Denoiser
    condition: Condition
    method: Method | None  # resolved; None is plain conditional
    before: State
    after: State | None = field(default=None, init=False)

    def __call__(self, x: Tensor, t: float) -> Tensor:
        """The velocity (N, C, H, W) at x and t."""
        return self._evaluate(x, t)[0]

    def with_variance(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """The velocity, and the strong prediction's variance, which is never guided."""
        v, signals = self._evaluate(x, t, VARIANCE)
        return v, signals[VARIANCE]

    def _evaluate(self, x: Tensor, t: float, *more: Signal) -> tuple[Tensor, dict[Signal, Tensor]]:
        state = State(dict(self.before.tensors))
        asked = (STRONG,) if self.method is None else self.method.signals()
        signals = self.denoiser(x, t, self.condition, [*asked, *more])
        v = signals[STRONG] if self.method is None else self.method.combine(signals, x, t, state)
        self.after = self.after or state
        return v, signals


def sample(
    denoiser: Denoiser,
    x: Tensor,
    condition: Condition,
    *,
    times: Sequence[float],
    methods: Sequence[Method | None],
    solver: str,
    noise: Callable[[int], Tensor],
    start: int = 0,
    stop: int | None = None,
    state: State | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Tensor, State]:
    """Carry x (N, C, H, W) from step `start` to before step `stop` (default: all).

    `methods` holds one resolved method per step, `times` one time more; `noise` gives a
    stochastic solver's standard normal noise of a step; `progress` is called after each step.
    Returns x and the methods' state at ``times[stop]``, from which another call goes on as if
    the trajectory had not been cut.
    """
    state = State() if state is None else state
    for step in range(start, len(methods) if stop is None else stop):
        velocity = Guided(denoiser, condition, methods[step], state)
        x = SOLVERS[solver](velocity, x, times[step], times[step + 1], lambda at=step: noise(at))
        state = velocity.after
        if progress:
            progress(step)
    return x, state


def states(
    denoiser: Denoiser,
    x: Tensor,
    condition: Condition,
    *,
    times: Sequence[float],
    methods: Sequence[Method | None],
    solver: str,
    noise: Callable[[int], Tensor],
) -> Iterator[Tensor]:
    """x (N, C, H, W) at each of the times, the first included, on the way that `sample` takes."""
    state = State()
    yield x
    for step in range(len(methods)):
        x, state = sample(
            denoiser,
            x,
            condition,
            times=times,
            methods=methods,
            solver=solver,
            noise=noise,
            start=step,
            stop=step + 1,
            state=state,
        )
        yield x

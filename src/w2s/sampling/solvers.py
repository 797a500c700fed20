"""ODE and SDE solvers in falling time, one step each.

A step goes from time t down to s < t; `field(x, t)` is the guided velocity ``v = eps - x_0``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import log
from typing import TYPE_CHECKING, Protocol

from w2s.guidance.base import VARIANCE, Signal

if TYPE_CHECKING:
    from torch import Tensor


class Field(Protocol):
    """The guided velocity."""

    def __call__(self, x: Tensor, t: float) -> Tensor:
        """The velocity at x and t, shaped like x."""

    def with_variance(self, x: Tensor, t: float) -> tuple[Tensor, Tensor]:
        """The velocity, and the learned range of the step's variance, -1 least and 1 most."""


Noise = Callable[[], "Tensor"]  # standard normal, shaped like x; called at most once a step


def euler(field: Field, x: Tensor, t: float, s: float, noise: Noise) -> Tensor:
    """Probability-flow ODE ``dx = v dt``, first order."""
    return x + (s - t) * field(x, t)


def heun(field: Field, x: Tensor, t: float, s: float, noise: Noise) -> Tensor:
    """The same ODE, second order (EDM, arXiv 2206.00364, alg. 1).

    The step that ends at 0 is an Euler step, as there: methods defined on the predicted image
    divide by t.
    """
    v = field(x, t)
    ahead = x + (s - t) * v
    return ahead if s == 0 else x + (s - t) * (v + field(ahead, s)) / 2


def sde(field: Field, x: Tensor, t: float, s: float, noise: Noise) -> Tensor:
    """Euler-Maruyama on the reverse SDE with diffusion ``w_t = 2 sigma_t = 2 t``.

    arXiv 2401.08740, eq. 4: ``dx = (v - w_t score / 2) dt + sqrt(w_t) dW`` in falling time.
    On the linear path ``score = -eps / t`` with ``eps = x + (1 - t) v``, so the drift is
    ``v + eps = x + (2 - t) v``.  The step that ends at 0 adds no noise.
    """
    mean = x + (s - t) * (x + (2 - t) * field(x, t))
    return mean if s == 0 else mean + (2 * t * (t - s)) ** 0.5 * noise()


def ddpm(field: Field, x: Tensor, t: float, s: float, noise: Noise) -> Tensor:
    """Ancestral sampling with the variance that the network learned (arXiv 2006.11239, eq. 7;
    2102.09672, eq. 15), in the VP state ``x_VP = x / sqrt(t^2 + (1 - t)^2)``.

    Between the levels ``abar`` at t and at s, ``beta = 1 - abar_t / abar_s``.  In log space the
    variance lies between ``beta (1 - abar_s) / (1 - abar_t)`` and beta.  The step that ends at 0
    adds no noise, as in DiT's release.
    """
    v, share = field.with_variance(x, t)
    here, there = ((1 - u) ** 2 / ((1 - u) ** 2 + u**2) for u in (t, s))  # abar
    beta = 1 - here / there
    clean = x - t * v
    scale = ((1 - t) ** 2 + t**2) ** 0.5
    mean = (there**0.5 * beta * clean + (1 - beta) ** 0.5 * (1 - there) * (x / scale)) / (1 - here)
    if s == 0:
        return mean
    most = log(beta)
    least = most + log((1 - there) / (1 - here))
    spread = (((share + 1) / 2 * (most - least) + least) / 2).exp()
    return (mean + spread * noise()) * ((1 - s) ** 2 + s**2) ** 0.5


SOLVERS = {"euler": euler, "heun": heun, "sde": sde, "ddpm": ddpm}
READS: dict[str, tuple[Signal, ...]] = {"ddpm": (VARIANCE,)}  # beside what methods ask for


def evaluations(solver: str, times: Sequence[float], index: int) -> int:
    """How often a solver evaluates the velocity in step `index`."""
    return 2 if solver == "heun" and times[index + 1] != 0 else 1

"""ODE and SDE solvers in falling time, one step each.

A step goes from time t down to s < t; `field(x, t)` is the guided velocity ``v = eps - x_0``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Field = Callable[["Tensor", float], "Tensor"]
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


SOLVERS = {"euler": euler, "heun": heun, "sde": sde}


def evaluations(solver: str, times: Sequence[float], index: int) -> int:
    """How often a solver evaluates the velocity in step `index`."""
    return 2 if solver == "heun" and times[index + 1] != 0 else 1

"""Power-function averages: exponents, decay and inner products (arXiv 2312.02696, section 3).

The average at step T with exponent g weighs the weights of step s by ``s^g`` on [0, T].  Its
length is named by the relative standard deviation of that profile, in units of T.  No torch.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def exponent(std: float) -> float:
    """The exponent whose profile has this relative standard deviation (eq. 126).

    Raises ValueError unless 0 < std < 1/sqrt(12) = 0.288..., the plain mean of all steps.
    """
    if not 0 < std < 12**-0.5:
        raise ValueError(f"a relative EMA length lies between 0 and 0.288, not at {std}")
    return float(np.roots([1, 7, 16 - std**-2, 12 - std**-2]).real.max())


def decay(step: int, power: float) -> float:
    """What the update after `step` steps (counted from 1) keeps of the average (eq. 127)."""
    return (1 - 1 / step) ** (power + 1)


def product(step_a, power_a, step_b, power_b) -> ndarray:
    """Inner products of profiles, each normalised to one over [0, step] (eq. 151); broadcasts."""
    ratio = np.minimum(step_a, step_b) / np.maximum(step_a, step_b)
    tail = np.where(np.less(step_a, step_b), power_b, power_a)
    peak = (power_a + 1) * (power_b + 1) / ((power_a + power_b + 1) * np.maximum(step_a, step_b))
    return peak * ratio**tail


def solve(steps: ndarray, stds: ndarray, step: int, std: float) -> tuple[ndarray, float]:
    """Rebuild one profile from tracked ones by least squares (appendix C, algorithm 3).

    Arguments: the steps and relative lengths of the tracked averages, and those wanted.
    Returns one coefficient per tracked average, summing to one, and the relative L2 distance
    between the profile that they give and the one wanted.
    """
    steps = np.asarray(steps, dtype=np.float64)
    powers = np.array([exponent(s) for s in stds])
    power = exponent(std)
    gram = product(steps[:, None], powers[:, None], steps[None], powers[None])
    wanted = product(steps, powers, float(step), power)
    found = np.linalg.solve(gram, wanted)
    found /= found.sum()
    size = product(float(step), power, float(step), power)
    error = found @ gram @ found - 2 * found @ wanted + size
    return found, float(np.sqrt(max(error, 0.0) / size))

"""Methods that add predictions up with coefficients of sum one."""

from typing import ClassVar

from w2s.guidance.base import STRONG, Method, Signal
from w2s.guidance.weights import without_schedules


class Affine(Method):
    """Base of the methods ``v = sum_i c_i v_i`` with ``sum_i c_i = 1``.

    The result is the same whether the predictions are velocities, noises or clean images.  A
    prediction whose coefficient is zero is not asked for, so weights of 1 and 0 cost what they
    must and no more.
    """

    affine: ClassVar[bool] = True

    def coefficients(self) -> dict[Signal, float]:
        """Coefficient of each prediction; only defined on the result of `at`."""
        raise NotImplementedError

    def at(self, step):
        """The method with the weights of this step; None where only the condition counts."""
        method = without_schedules(self, step)
        return None if method.signals() == (STRONG,) else method

    def signals(self):
        return tuple(signal for signal, c in self.coefficients().items() if c != 0)

    def combine(self, v, x, t, state):
        first, *others = self.signals()
        coefficients = self.coefficients()
        guided = v[first]
        # Differences keep predictions that agree exact, however large the weight.
        for signal in others:
            guided = guided + coefficients[signal] * (v[signal] - v[first])
        return guided

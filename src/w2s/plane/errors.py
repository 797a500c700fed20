"""What a network gets wrong, in closed form: a mixture with its errors is again a mixture."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from w2s.plane.tree import Components
from w2s.strict import Strict


class Errors(Strict):
    """Errors of a network that are known exactly; they combine."""

    smooth: Annotated[float, Field(ge=0)] = 0.0
    """Detail that is not fitted: the deviation of a Gaussian blur; points have deviation 0.5."""
    blur: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The condition not learned: share of all classes' points that is mixed into each class."""
    shallow: Annotated[int, Field(ge=1)] | None = None
    """Branches not fitted: generations that are, the rest being left out; null is all."""

    def applied(self, truth: Components) -> Components:
        """The distribution that a network with these errors has learned.

        Every velocity, density and score of it is consistent with every other.
        """
        found = truth
        if self.shallow is not None:
            kept = truth.levels < self.shallow
            weights = truth.weights[:, kept]
            found = Components(
                weights / weights.sum(1, keepdims=True),
                truth.means[kept],
                truth.covariances[kept],
                truth.levels[kept],
            )
        blurred = (1 - self.blur) * found.weights + self.blur * found.weights.mean(0)
        covariances = found.covariances + self.smooth**2 * np.eye(2)
        return replace(found, weights=blurred, covariances=covariances)

"""A network whose predictions are exact for a mixture with known errors: a backbone to guide."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn

from w2s.plane.errors import Errors
from w2s.plane.mixture import Mixture
from w2s.plane.tree import World


class State(NamedTuple):
    """Where a pass stands."""

    values: Tensor  # (N, 2) float64: points before the only block, their velocities after it
    times: Tensor  # (N,)
    labels: Tensor  # (N,) int64; the number of classes is the null class


class ExactNetwork(nn.Module):
    """The velocity that a network with these errors would predict everywhere, as one block.

    Points are (N, 2, 1, 1), two channels of one pixel; inside everything is float64.
    """

    depth = 1
    head_at = None

    def __init__(self, world: World, errors: Errors):
        super().__init__()
        self.world, self.errors = world, errors
        self.blocks = nn.ModuleList([Mixture(errors.applied(world.grow()))])

    @property
    def null_class(self) -> int:
        """The label that stands for no class."""
        return self.world.classes

    def config(self) -> dict:
        """What builds this network again, in plain JSON types."""
        return {
            "kind": "exact",
            "world": self.world.model_dump(),
            "errors": self.errors.model_dump(),
        }

    def embed(self, x: Tensor, t: Tensor, labels: Tensor) -> State:
        """Start a pass: x (N, 2, 1, 1), t (N,) in [0, 1], labels (N,)."""
        return State(x.flatten(1).double(), t, labels)

    def block(self, i: int, state: State) -> State:
        """From points to velocities.  Raises ValueError where the samples' times differ."""
        t = float(state.times[0])
        if not (state.times == state.times[0]).all():
            raise ValueError("an exact network takes samples of one time at once")
        return state._replace(values=self.blocks[i].velocity(state.values, t, state.labels))

    def readout(self, state: State) -> Tensor:
        """The velocity (N, 2, 1, 1)."""
        return state.values[..., None, None]

    def read_head(self, state: State) -> Tensor:
        """Raises AttributeError: there is no mid-depth head, as `head_at` says."""
        raise AttributeError("an exact network has no mid-depth head")

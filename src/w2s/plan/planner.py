"""One planning run: the plan as it grows, and what a kind of part adds to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from w2s.params.parts import Part
from w2s.plan.drawing import Drawing
from w2s.plan.plan import Plan


class Planner(ABC):
    """What planning a part's rows asks of its kind; `samples` knows no kind by name."""

    def __init__(self, part: Part):
        self.part, self.params = part, part.params
        self.plan = Plan(part.scale)
        self.add = self.plan.add

    @property
    @abstractmethod
    def seeds(self) -> tuple[int, ...]:
        """Training seeds: each row is drawn once with the networks of each."""

    @abstractmethod
    def weights(self, name: str, seed: int) -> str:
        """Key of the weights that the name of a network stands for."""

    @abstractmethod
    def network(self, name: str) -> dict:
        """The configuration of the network that a name stands for, as it is used here."""

    @abstractmethod
    def times(self, row) -> tuple[float, ...]:
        """The N + 1 times of a row's solver, falling from 1 to 0."""

    @abstractmethod
    def start(self, row, config: Mapping) -> dict:
        """What a row's first state depends on beside the times, as in the spec of a segment."""

    def conditions(self, row) -> dict[str, tuple[str, ...]]:
        """Nodes that hold a row's conditions, by role."""
        return {}

    def scaling(self, row) -> dict | None:
        """Shift and scale of a row's latents, if not the study's own."""
        return None

    @abstractmethod
    def refuse(self, row, drawing: Drawing, networks: Mapping[str, Mapping]) -> None:
        """UserError where networks, the row's as "main", cannot give what its guidance asks."""

    @abstractmethod
    def measured(self, table: str, name: str, drawing: Drawing, finals) -> tuple[str, ...]:
        """Keys of what measures a row's samples, whose shards end in the segments `finals`.

        Where nothing can measure them they are the key of the images.
        """

    def real(self, table: str) -> tuple[str, ...]:
        """Keys of what measures held-out real images in a table, where rows can be such."""
        raise NotImplementedError

    def truth(self) -> dict[str, tuple[str, ...]]:
        """Nodes that hold what probes take for the truth, by role: latents, or points."""
        raise NotImplementedError

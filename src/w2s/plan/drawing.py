"""How a row's samples are drawn, and where they end up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from w2s.models.backbone import Shape
from w2s.sampling.trajectories import Segment, Trajectory, segment_forwards


@dataclass(frozen=True)
class Drawing:
    """How a row's samples are drawn: the networks, the first state, the method of every step."""

    model: str  # key of the weights
    nets: dict[str, str]  # separate weak networks: name to key of the weights
    shapes: dict[str, Shape]  # of all networks, "main" being the model
    start: dict  # what the first state depends on
    methods: Trajectory
    conditions: dict[str, tuple[str, ...]]  # nodes that hold them, by role; none for labels
    scaling: dict | None = None  # shift and scale of its latents, if not the study's own

    @cached_property
    def forwards(self) -> float:
        """Forwards per sample.

        Raises:
            UserError: a network lacks the head or a block that a method asks for.
        """
        whole = Segment(0, self.methods)
        return segment_forwards(whole, self.shapes, self.start["times"], self.start["solver"])


@dataclass(frozen=True)
class SampleSet:
    """How a row is drawn, and its last nodes.  Real images are not drawn."""

    drawing: Drawing | None
    segments: tuple[str, ...]  # the final ones, one per shard
    measured: tuple[str, ...]  # what measures them: one node, one per score, or the images alone

    @property
    def metrics(self) -> str:
        """The only node that measures them.  Raises ValueError where there are several."""
        (key,) = self.measured
        return key

"""Exact networks of two-dimensional worlds as a family: no weights, everything is in the config."""

from __future__ import annotations

from collections.abc import Mapping

from w2s.errors import UserError
from w2s.models.backbone import Family, Shape, WeakPart


class ExactFamily(Family):
    """Networks whose errors are known; their configurations hold a `world` and its `errors`."""

    name = "exact"
    params = None

    def shape(self, config: Mapping) -> Shape:
        """One block; every exact network counts as one forward, whatever its errors."""
        return Shape(depth=1)

    def parameters(self, config: Mapping) -> float:
        return 0.0

    def latents(self, config: Mapping) -> tuple[int, int, int]:
        return 2, 1, 1

    def classes(self, config: Mapping) -> int:
        return config["world"]["classes"]

    def part_config(self, config: Mapping, part: WeakPart) -> dict:
        if part != "full":
            raise UserError("an exact network has no parts; give it larger errors instead")
        return dict(config)

    def take(self, weights, config, part):
        return weights, self.part_config(config, part)

    def network(self, config: Mapping):
        from w2s.plane.errors import Errors
        from w2s.plane.exact import ExactNetwork
        from w2s.plane.tree import World

        return ExactNetwork(World(**config["world"]), Errors(**config["errors"]))

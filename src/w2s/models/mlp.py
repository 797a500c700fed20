"""Small residual networks on points of the plane as a family: sizes, work, parts to take.

A point is a latent of two channels and one pixel.  Two-dimensional studies of guidance train such
networks (AutoGuidance, arXiv 2406.02507, app. C).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import PositiveInt

from w2s.models.backbone import Family, NetworkParams, Shape, WeakPart, renumbered

POINT = (2, 1, 1)  # channels, height and width
FREQUENCIES = 4  # of the time embedding, a sine and a cosine each


class MLPParams(NetworkParams):
    """A residual network on points of the plane; pictures' latents do not fit it."""

    kind: Literal["mlp"]
    """The kind of network; this one reads points of the plane, not latents of pictures."""
    hidden: PositiveInt
    """Width of the layers."""
    depth: PositiveInt = 4
    """Residual blocks of two layers."""
    head_at: PositiveInt | None = None
    """Number of blocks before the mid-depth head; null: no such head."""

    def config(self, latents: tuple[int, int, int], classes: int) -> dict:
        sizes = {"hidden": self.hidden, "depth": self.depth, "head_at": self.head_at}
        return {"kind": "mlp", **sizes, "classes": classes}

    def mistakes(self, latents: tuple[int, int, int]) -> Iterator[tuple[str, str]]:
        if latents != POINT:
            channels, height, width = latents
            yield (
                "kind",
                "an mlp reads points of the plane, and here latents have "
                f"{channels} channels of {height} x {width} pixels; take a sit",
            )
        elif self.head_at and self.head_at >= self.depth:
            yield "head_at", f"must be below the depth of {self.depth} blocks"


class MLPFamily(Family):
    """MLPs; their configurations hold `hidden`, `depth`, `head_at` and `classes`."""

    name = "mlp"
    params = MLPParams

    def shape(self, config: Mapping) -> Shape:
        """Counted are the layers of the blocks."""
        work = config["depth"] * 2 * config["hidden"] ** 2
        return Shape(config["depth"], config["head_at"], float(work))

    def parameters(self, config: Mapping) -> float:
        """All of them, exactly."""
        width, readouts = config["hidden"], 1 if config["head_at"] is None else 2
        blocks = config["depth"] * 2 * (width + 1) * width
        inputs = (2 + 1 + 2 * FREQUENCIES + 1 + config["classes"] + 1) * width
        return float(blocks + inputs + readouts * 2 * (width + 1))

    def latents(self, config: Mapping) -> tuple[int, int, int]:
        return POINT

    def classes(self, config: Mapping) -> int:
        return config["classes"]

    def part_config(self, config: Mapping, part: WeakPart) -> dict:
        if part == "full":
            return dict(config)
        return dict(config) | {"depth": len(self.kept(config, part)), "head_at": None}

    def take(self, weights, config, part):
        made = self.part_config(config, part)
        if part == "full":
            return weights, made
        last = "head." if part == "head" else "outside."
        taken = renumbered(weights, "blocks.", self.kept(config, part))
        rest = {n: w for n, w in taken.items() if not n.startswith(("head.", "outside."))}
        read = {n.removeprefix(last): w for n, w in taken.items() if n.startswith(last)}
        return rest | {f"outside.{name}": value for name, value in read.items()}, made

    def network(self, config: Mapping):
        from w2s.models.mlp_network import MLP

        sizes = {key: value for key, value in config.items() if key != "kind"}
        return MLP(frequencies=FREQUENCIES, **sizes)

"""SiT (arXiv 2401.08740) as a family: its sizes, its work, and the parts that can be taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import PositiveInt

from w2s.models.backbone import Family, Shape, WeakPart
from w2s.models.sizes import SizedParams


class SiTParams(SizedParams):
    """A SiT, by the numbers or by its published name."""

    kind: Literal["sit"] = "sit"
    """The kind of network."""
    head_at: PositiveInt | None = None
    """Number of blocks before the mid-depth head; null: no such head."""

    def config(self, latents: tuple[int, int, int], classes: int) -> dict:
        channels, side, _ = latents
        return {
            "input_size": side,
            "patch_size": self.patch,
            "in_channels": channels,
            **self.numbers,
            "mlp_ratio": 4.0,
            "num_classes": classes,
            "head_at": self.head_at,
        }

    def mistakes(self, latents: tuple[int, int, int]) -> Iterator[tuple[str, str]]:
        yield from super().mistakes(latents)
        depth = self.numbers["depth"]
        if self.head_at and self.head_at >= depth:
            yield "head_at", f"must be below the depth of {depth} blocks"


class SiTFamily(Family):
    """SiTs; their configurations are the arguments of `sit_network.SiT`, without a `kind`."""

    name = "sit"
    params = SiTParams

    def shape(self, config: Mapping) -> Shape:
        """Counted are linear layers, attention and modulation of the blocks."""
        tokens = (config["input_size"] // config["patch_size"]) ** 2
        width, depth = config["hidden_size"], config["depth"]
        per_token = (4 + 2 * config["mlp_ratio"]) * width**2 + 2 * tokens * width
        work = depth * (tokens * per_token + 6 * width**2)
        return Shape(depth, config["head_at"], work, tokens)

    def parameters(self, config: Mapping) -> float:
        """Weights of the blocks and embeddings, biases left out."""
        width, depth = config["hidden_size"], config["depth"]
        return depth * (10 + 2 * config["mlp_ratio"]) * width**2 + 3 * width**2

    def latents(self, config: Mapping) -> tuple[int, int, int]:
        return config["in_channels"], config["input_size"], config["input_size"]

    def classes(self, config: Mapping) -> int:
        return config["num_classes"]

    def part_config(self, config: Mapping, part: WeakPart) -> dict:
        if part == "full":
            return dict(config)
        return dict(config) | {"depth": len(self.kept(config, part)), "head_at": None}

    def take(self, weights, config, part):
        made = self.part_config(config, part)
        if part == "full":
            return weights, made
        kept, last = self.kept(config, part), "head." if part == "head" else "final_layer."
        taken = {}
        for name, value in weights.items():
            if name.startswith("blocks."):
                _, block, rest = name.split(".", 2)
                if int(block) in kept:
                    taken[f"blocks.{kept.index(int(block))}.{rest}"] = value
            elif name.startswith(last):
                taken["final_layer." + name.removeprefix(last)] = value
            elif not name.startswith(("head.", "final_layer.")):
                taken[name] = value
        return taken, made

    def network(self, config: Mapping):
        from w2s.models.sit_network import SiT

        return SiT(**{key: value for key, value in config.items() if key != "kind"})

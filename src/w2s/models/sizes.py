"""The sizes that SiT and DiT share, and the entry under `models` that names one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import PositiveInt, model_validator

from w2s.models.backbone import NetworkParams

SIZES = {  # DiT (arXiv 2212.09748), table 1; SiT (arXiv 2401.08740), table 1
    "S": {"hidden_size": 384, "depth": 12, "num_heads": 6},
    "B": {"hidden_size": 768, "depth": 12, "num_heads": 12},
    "L": {"hidden_size": 1024, "depth": 24, "num_heads": 16},
    "XL": {"hidden_size": 1152, "depth": 28, "num_heads": 16},
}


class SizedParams(NetworkParams):
    """A transformer on patches, by the numbers or by its published name."""

    kind: str
    """The kind of network."""
    size: Literal["S", "B", "L", "XL"] | None = None
    """Published size; gives hidden, depth and heads."""
    patch: PositiveInt
    """Latent pixels per token along one side."""
    hidden: PositiveInt | None = None
    """Width of the tokens."""
    depth: PositiveInt | None = None
    """Transformer blocks."""
    heads: PositiveInt | None = None
    """Attention heads; divides hidden."""

    @model_validator(mode="after")
    def _one_way(self):
        numbers = (self.hidden, self.depth, self.heads)
        if self.size is None and None in numbers:
            raise ValueError("give either size, or all of hidden, depth and heads")
        if self.size is not None and any(numbers):
            raise ValueError("size fixes hidden, depth and heads; leave them out or drop size")
        if self.size is None and self.hidden % self.heads:
            raise ValueError(f"hidden ({self.hidden}) must be a multiple of heads ({self.heads})")
        return self

    @property
    def numbers(self) -> dict:
        """Width, blocks and attention heads."""
        if self.size:
            return SIZES[self.size]
        return {"hidden_size": self.hidden, "depth": self.depth, "num_heads": self.heads}

    def mistakes(self, latents: tuple[int, int, int]) -> Iterator[tuple[str, str]]:
        if latents[1] % self.patch:
            yield "patch", f"must divide the latents' {latents[1]} pixels a side"

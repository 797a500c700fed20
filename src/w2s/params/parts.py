"""A study as it was read and checked: its parts, and how to run it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from w2s.errors import UserError
from w2s.keypaths import KeyPath
from w2s.params.adopted import Adopted
from w2s.params.claims import Claims
from w2s.params.common import Cost
from w2s.params.files import Layers
from w2s.params.pictures import PictureParams
from w2s.params.planes import PlaneParams
from w2s.params.settings import ExecutionParams
from w2s.params.text import TextParams

FIRST = "pictures"  # the part that a scale of one file holds; its published names carry no part


def own_name(part: str, name: str) -> str:
    """A published name of which every part has one."""
    return name if part == FIRST else f"{name}-{part}"


@dataclass(frozen=True)
class Part:
    """Data, models, guidance and tables that belong together.

    Parts name nothing of each other's; what is alike in two of them is one node all the same.
    """

    scale: str
    name: str
    params: PictureParams | TextParams | PlaneParams
    data: dict  # the data set as found: name, classes or prompts, fingerprint, path (or None)
    networks: dict  # the pretrained networks or pipelines as found, by name
    fingerprints: dict[str, str]  # of what is given by path: "vae", "pretrained.<name>", ...
    layers: Layers  # where the part's keys were set
    origins: Mapping[KeyPath, KeyPath] = field(default_factory=dict)  # of tables in no file: keys
    claims: Claims | None = None  # what papers say of its tables
    adopted: Adopted | None = None  # what a search chose of its guidance

    def own(self, name: str) -> str:
        """A published name of which every part has one."""
        return own_name(self.name, name)

    @contextmanager
    def at(self, *path: str) -> Iterator[None]:
        """Name a key in the mistakes that the block finds while planning."""
        try:
            yield
        except UserError as error:
            path = self.origins.get(path[:2], path)
            raise UserError(f"{self.layers.where(path)}: {error}") from None


@dataclass(frozen=True)
class Study:
    """The parts that were asked for, the first in the lead, and how to run them."""

    scale: str
    parts: tuple[Part, ...]
    cost: Cost | None  # what a forward was measured to cost
    execution: ExecutionParams
    unasked_claims: dict[str, int] = field(default_factory=dict)  # of parts that are not run

    def part(self, name: str = FIRST) -> Part:
        """The part of this name; KeyError if there is none."""
        return {part.name: part for part in self.parts}[name]

"""What a network has to offer, and the torch-free description of a kind of network.

A backbone is a network that runs block by block, so that signals which share leading blocks
compute them once.  Its `Family` tells everything that a plan needs to know of it without building
it.  A new kind of network is a file or two beside this one and an entry in `registry.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from w2s.errors import UserError
from w2s.strict import Strict

if TYPE_CHECKING:
    from numpy import ndarray
    from torch import Tensor

WeakPart = str | Mapping  # "full", "head" or {"skip": blocks}: what a weak model takes


class Backbone(Protocol):
    """A network that predicts velocities v(x_t, t, condition), t = 1 being noise.

    A pass is `embed`, then blocks, then `readout`.  Its state is a NamedTuple: tensors with the
    batch first, None where a stream is absent, and anything else that all samples share, such as
    the size of the latents.  The condition is whatever tensors `embed` takes after x and t.
    x and t come in float32; a network whose weights are of less casts what it works on, and t
    only after it has been embedded.
    """

    depth: int
    head_at: int | None  # blocks before the mid-depth head; None without one
    blocks: Sequence[Any]  # the modules that `block` runs, to compile
    head: Any  # the module that `read_head` runs; only with `head_at`

    def config(self) -> dict:
        """What builds this network again, in plain JSON types; `kind` names its family."""

    def embed(self, x: Tensor, t: Tensor, *condition: Tensor) -> Any:
        """Start a pass: x (N, C, H, W), t (N,) in [0, 1], each condition tensor (N, ...)."""

    def block(self, i: int, state: Any) -> Any:
        """Run block `i`, counted from 0; never changes the tensors of `state`."""

    def readout(self, state: Any) -> Tensor:
        """The velocity (N, C, H, W) after the last block."""

    def read_head(self, state: Any) -> Tensor:
        """The mid-depth head's velocity (N, C, H, W), given the state after `head_at` blocks."""

    def read_variance(self, state: Any) -> Tensor:
        """The learned range (N, C, H, W) of arXiv 2102.09672, eq. 15, in [-1, 1], after the last
        block: -1 is the least variance of a DDPM step in log space, 1 the most.  Only where the
        `Shape` has a variance."""


class Grid(NamedTuple):
    """The trajectory that a network prescribes which was trained at some noise levels alone."""

    times: tuple[float, ...]  # N + 1 times, falling
    std: float  # standard deviation of the first state


@dataclass(frozen=True)
class Shape:
    """What counting needs to know about a network: blocks for its own signals, and its work."""

    depth: int  # blocks
    head_at: int | None = None  # blocks before the mid head
    macs: float = 1.0  # multiply-accumulates of all blocks for one sample
    tokens: int = 1  # of one sample, those of its prompt included
    variance: bool = False  # whether it predicts the variance of a DDPM step


class NetworkParams(Strict, ABC):
    """What an entry under `models` says of a network; `kind` is a Literal of the family's name."""

    trained: ClassVar[bool] = True  # False: only `pretrained` can name it

    @abstractmethod
    def config(self, latents: tuple[int, int, int], classes: int) -> dict:
        """The configuration for latents (C, H, W) and so many classes."""

    def mistakes(self, latents: tuple[int, int, int]) -> Iterator[tuple[str, str]]:
        """Keys of this entry that do not fit latents (C, H, W), each with what is wrong."""
        yield from ()


class Family(ABC):
    """One kind of network, described from configurations alone; nothing here imports torch."""

    name: ClassVar[str]
    condition: ClassVar[str] = "labels"  # or "prompts": what `embed` takes after x and t
    params: ClassVar[type[NetworkParams] | None]  # None: no entry under `models` can name it

    @abstractmethod
    def shape(self, config: Mapping) -> Shape:
        """Blocks, mid head and work of a network."""

    @abstractmethod
    def parameters(self, config: Mapping) -> float:
        """How many weights a network has, about."""

    @abstractmethod
    def latents(self, config: Mapping) -> tuple[int, int, int]:
        """Channels, height and width of what a network reads."""

    @abstractmethod
    def classes(self, config: Mapping) -> int:
        """How many classes a network knows; their number is also the label of the null class.

        Raises UserError for a network that is not conditioned by labels.
        """

    @abstractmethod
    def part_config(self, config: Mapping, part: WeakPart) -> dict:
        """The configuration of a part of a network.

        Raises UserError where the network has no such part.
        """

    @abstractmethod
    def take(
        self, weights: dict[str, ndarray], config: Mapping, part: WeakPart
    ) -> tuple[dict[str, ndarray], dict]:
        """The weights and configuration of a part of a network, as a network of its own.

        "full" keeps everything; "head" the blocks before the mid-depth head, which becomes the
        readout; {"skip": blocks} all but those blocks, without the mid head.  Raises UserError
        where the network has no such part.
        """

    @abstractmethod
    def network(self, config: Mapping) -> Backbone:
        """A freshly initialised network; the global torch seed decides its weights."""

    def grid(self, config: Mapping, steps: int) -> Grid | None:
        """The trajectory of so many steps; None where a network takes any time from 1 down to 0.

        Raises UserError where the network has no such trajectory.
        """
        return None

    def kept(self, config: Mapping, part: WeakPart) -> list[int]:
        """The blocks that a part keeps, ascending.  Raises UserError where it is not there."""
        shape = self.shape(config)
        if part == "full":
            return list(range(shape.depth))
        if part == "head":
            if shape.head_at is None:
                raise UserError("part 'head' needs a network with a mid-depth head: set head_at")
            return list(range(shape.head_at))
        if absent := [i for i in part["skip"] if not 0 <= i < shape.depth]:
            raise UserError(f"cannot skip block {absent[0]}: the blocks are 0 to {shape.depth - 1}")
        return [i for i in range(shape.depth) if i not in part["skip"]]


def renumbered(
    weights: Mapping[str, ndarray], prefix: str, kept: Collection[int]
) -> dict[str, ndarray]:
    """The weights of a network that keeps these blocks, which `prefix` precedes in their names."""
    place, taken = {block: i for i, block in enumerate(kept)}, {}
    for name, value in weights.items():
        if name.startswith(prefix):
            block, rest = name.removeprefix(prefix).split(".", 1)
            if int(block) in place:
                taken[f"{prefix}{place[int(block)]}.{rest}"] = value
        else:
            taken[name] = value
    return taken

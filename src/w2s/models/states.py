"""States of a pass, whatever a backbone keeps in them: NamedTuples of tensors, batch first.

What is not a tensor (None for an absent stream, a size) is the same for all samples and is
handed on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def each(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The state with every tensor changed."""
    return type(state)(*(change(f) if isinstance(f, Tensor) else f for f in state))


def packed(state: Any) -> Any:
    """Contiguous tensors: one memory layout from the first block on, so one compilation."""
    return each(state, Tensor.contiguous)


def rows(state: Any, index: Tensor) -> Any:
    """Only these samples, cut off from the gradient."""
    return each(state, lambda tensor: tensor.detach()[index])


def alike(states: list) -> bool:
    """Whether the states can be joined: prompts of different lengths cannot."""
    shapes = [[f.shape[1:] for f in state if isinstance(f, Tensor)] for state in states]
    return all(shape == shapes[0] for shape in shapes)


def joined(states: list) -> Any:
    """Several states as one batch."""
    fields = zip(*states, strict=True)
    return type(states[0])(*(torch.cat(f) if isinstance(f[0], Tensor) else f[0] for f in fields))


def split(state: Any, count: int) -> list:
    """The inverse of `joined`, for `count` states of equal size."""
    parts = [f.chunk(count) if isinstance(f, Tensor) else [f] * count for f in state]
    return [type(state)(*part) for part in zip(*parts, strict=True)]

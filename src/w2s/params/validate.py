"""Layers of YAML as typed parameters; every mistake is one sentence with its file and key."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from w2s.errors import UserError
from w2s.params.files import Layers
from w2s.sentences import sentences
from w2s.strict import Strict

Block = TypeVar("Block", bound=Strict)


def valid(model: type[Block], layers: Layers) -> Block:
    """The merged layers as a model.

    Raises:
        UserError: they do not fit it; a line for each mistake.
    """
    merged = layers.merged()
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        found = sentences(error.errors(include_url=False), merged)
        raise UserError("\n".join(f"{layers.where(at)}: {what}" for at, what in found)) from None

"""A guidance as plain values, checked."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from w2s.errors import UserError
from w2s.guidance.windows import Guidance, Window
from w2s.keypaths import spelled, written
from w2s.sentences import sentences
from w2s.strict import Strict


class _Block(Strict):
    guidance: Guidance


def read_guidance(given: Any, where: str = "guidance") -> tuple[Window, ...]:
    """The windows of a guidance: a list of them, or one mapping; an empty list is none.

    where: what the sentences begin with.  Raises UserError for mistakes, a sentence for each.
    """
    data = {"guidance": given}
    try:
        return _Block.model_validate(data).guidance
    except ValidationError as error:
        found = sentences(error.errors(include_url=False), data)
        lines = [
            f"{': '.join(filter(None, (where, spelled(written(key[1:], given)))))}: {what}"
            for key, what in found
        ]
        raise UserError("\n".join(lines)) from None

"""Places of numbers in a guidance: `1.weight`, `0.window.0`, or `weight` where it is one window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from pydantic import TypeAdapter

from w2s.guidance.windows import Guidance, Span
from w2s.strict import frozen

Path = tuple[int | str, ...]


def parsed(text: str) -> Path:
    """The window, the name of a parameter and what lies below it.

    >>> parsed("1.window.0"), parsed("weight")
    ((1, 'window', 0), (0, 'weight'))
    """
    path = tuple(int(part) if part.isdecimal() else part for part in text.split("."))
    return path if isinstance(path[0], int) else (0, *path)


def with_values(guidance: Sequence[Span], values: Mapping[str, object]) -> tuple[Span, ...]:
    """The guidance with other values at these places.

    Raises:
        LookupError: there is no such place; the message is the path.
        pydantic.ValidationError: what comes out is no guidance.
    """
    windows = _written(guidance)
    for text, value in values.items():
        first, *rest = parsed(text)
        if not rest or not 0 <= first < len(windows):
            raise LookupError(text)
        windows[first] = _put(windows[first], rest, value, text)
    return _guidance().validate_python(frozen(windows))


def value_at(guidance: Sequence[Span], text: str):
    """What stands at a place.

    Raises:
        LookupError: there is no such place; the message is the path.
    """
    here: object = _written(guidance)
    for key in parsed(text):
        try:
            here = here[key]
        except (LookupError, TypeError):
            raise LookupError(text) from None
    return here


def _written(guidance: Sequence[Span]) -> list[dict]:
    """The windows as mappings, with their ranges where they are given in t."""
    return [
        window.model_dump() | ({"window": window.bounds} if window.steps is None else {})
        for window in guidance
    ]


def _put(block, path: Sequence[int | str], value, text: str):
    """The block with another value at a path that it has."""
    if not path:
        return value
    key, *rest = path
    if isinstance(block, dict) and key in block:
        return block | {key: _put(block[key], rest, value, text)}
    if isinstance(block, tuple | list) and isinstance(key, int) and key < len(block):
        return (*block[:key], _put(block[key], rest, value, text), *block[key + 1 :])
    raise LookupError(text)


@cache
def _guidance() -> TypeAdapter:
    return TypeAdapter(Guidance)

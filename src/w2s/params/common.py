"""Blocks that every kind of part has."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from w2s.strict import Strict, is_plain


def _path_name(name: str) -> str:
    """Names become file names: refuse what a path or a wildcard cannot hold."""
    if not is_plain(name, "-_.+="):
        raise ValueError("a name is made of letters, digits and - _ . + =, not starting with a dot")
    return name


Name = Annotated[str, AfterValidator(_path_name)]


class Published(Strict):
    """A number somebody published for this cell."""

    value: float
    """The number."""
    tolerance: Annotated[float, Field(ge=0)]
    """How far ours may lie from it and still count as reproduced."""
    source: str
    """Paper and table."""


class Guided(Strict):
    """What every row of a table says: how it is guided, and whether it may be compared."""

    label: str | None = None
    """Text of the row in tables; the row's name if null."""
    guidance: str | None = None
    """Name under guidance; null: none."""
    steps: PositiveInt | None = None
    """Solver steps, if others than the study's."""
    comparable: bool = True
    """Whether our protocol is that of the published number."""
    why: str | None = None
    """Why it is not comparable."""

    @model_validator(mode="after")
    def _reason(self):
        if not self.comparable and not self.why:
            raise ValueError("comparable: false wants a reason under why")
        return self


class Cost(Strict):
    """A measurement by `w2s cost`."""

    device: str
    """What it was measured on."""
    measured: str
    """Date."""
    seconds_per_gmac: PositiveFloat
    """Seconds per billion multiply-accumulates of a transformer's forward."""

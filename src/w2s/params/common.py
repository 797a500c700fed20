"""Blocks that every kind of part has."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from w2s.strict import Strict, is_plain


def _path_name(name: str) -> str:
    """Names become file names: refuse what a path or a wildcard cannot hold."""
    if not is_plain(name, "-_.+="):
        raise ValueError("a name is made of letters, digits and - _ . + =, not starting with a dot")
    return name


Name = Annotated[str, AfterValidator(_path_name)]
Precision = Literal["fp32", "bf16", "fp16"]


class Arithmetic(Strict):
    """The precision that networks draw in."""

    precision: Precision = "fp32"
    """Arithmetic of the networks, on every device alike."""
    weights: Precision = "fp32"
    """Weights of the networks: fp32, cast as they are used, or those of the precision."""

    @model_validator(mode="after")
    def _weights_compute(self):
        if self.weights not in ("fp32", self.precision):
            raise ValueError(
                f"weights of {self.weights} compute in {self.weights}: set precision to it, or "
                "weights to fp32"
            )
        return self

    @property
    def arithmetic(self) -> dict:
        """The same as a segment's spec has it."""
        own = {} if self.weights == "fp32" else {"weights": self.weights}
        return {"precision": self.precision} | own


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

"""Claims of papers over the cells of a part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from w2s.params.common import Name
from w2s.params.files import Layers
from w2s.strict import Strict

Text = Annotated[str, Field(min_length=1)]


def _of_a_table(cell: str) -> str:
    if cell.count("/") != 1:
        raise ValueError(f"names a table and a row, such as guidance/cfg, not '{cell}'")
    return cell


CellRow = Annotated[str, AfterValidator(_of_a_table)]


class Claim(Strict):
    """What a paper says, over two cells of one column, or over one cell and a bound."""

    sentence: Text
    """The claim, as one sentence on what the two cells, or the one, should show."""
    source: Text
    """The paper, and the place in it."""
    setting: Text
    """What stands for it here, in words: how rows were tuned, what differs from the paper."""
    row: CellRow
    """The row that the claim is about, as table/row."""
    against: CellRow | None = None
    """The row that it is compared with, paired by seed or prompt, as table/row."""
    column: str
    """The column of both."""
    direction: Literal["lower", "higher"] | None = None
    """On which side of `against` the row is said to be."""
    at_most: float | None = None
    """In the place of `against`: what the row's number is said not to exceed."""
    at_least: float | None = None
    """In the place of `against`: what the row's number is said to reach."""

    @model_validator(mode="after")
    def _one_form(self):
        bounds = [bound for bound in (self.at_most, self.at_least) if bound is not None]
        if self.against is not None and (bounds or self.direction is None):
            raise ValueError("a claim with against needs direction, lower or higher, and no bound")
        if self.against is None and (self.direction or len(bounds) != 1):
            raise ValueError("a claim without against needs one of at_most and at_least alone")
        if self.against == self.row:
            raise ValueError("row and against are the same; name two rows")
        return self

    @property
    def lower(self) -> bool:
        """Whether the claim says less rather than more."""
        return self.direction == "lower" or self.at_most is not None

    @property
    def bound(self) -> float:
        """What the row's number, or its difference from that of `against`, is compared with."""
        given = self.at_least if self.at_most is None else self.at_most
        return 0.0 if given is None else given

    @property
    def rows(self) -> dict[str, str]:
        """The rows that it names, by the key that names them."""
        named = {"row": self.row, "against": self.against}
        return {key: row for key, row in named.items() if row is not None}


class ClaimsFile(Strict):
    """The claims over the tables of one part."""

    claims: Annotated[dict[Name, Claim], Field(min_length=1)]
    """Claims by name.  Verdicts are corrected for the number of claims in the file."""


@dataclass(frozen=True)
class Claims:
    """The claims of a part, and where they were set."""

    by_name: dict[str, Claim]
    layers: Layers

    def where(self, name: str, key: str) -> str:
        """'file: key.path' of a claim's key."""
        return self.layers.where(("claims", name, key))

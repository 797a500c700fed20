"""What a search chose and `w2s adopt` entered: <part>.adopted.json beside the part's file."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from w2s.errors import UserError
from w2s.strict import Strict
from w2s.tuning.paths import with_values


class Chosen(Strict):
    """The values that were chosen for one method."""

    values: dict[str, str | int | float | tuple[int, ...]]
    """By their places in the entry."""
    value: float
    """What the column that decides was with them, a mean over the search's seeds."""
    evaluations: int
    """How many combinations of values were tried."""
    nodes: tuple[tuple[str, str], ...]
    """Kind and key of what measured it."""

    def holds(self, params, name: str) -> bool:
        """Whether the entry of this name still has these values."""
        entry = params.guidance[name]
        try:
            return with_values(entry, self.values) == with_values(entry, {})
        except (LookupError, ValidationError):
            return False


class Adopted(Strict):
    """The values that were entered last, and what they rest on."""

    date: str
    """The day on which they were entered."""
    by: str
    """The column that decided."""
    methods: dict[str, Chosen]
    """By entry under guidance."""


def adopted_path(file: Path) -> Path:
    """Where it says what was adopted into a part's file."""
    return file.with_suffix(".adopted.json")


def read_adopted(file: Path) -> Adopted | None:
    """What was adopted into a part's file; None if nothing was.

    Raises:
        UserError: the record cannot be read.
    """
    path = adopted_path(file)
    if not path.exists():
        return None
    try:
        return Adopted.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise UserError(f"{path}: cannot be read ({said}); delete it, or adopt again") from None

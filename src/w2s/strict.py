"""What every block of parameters has in common."""

import difflib
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, model_validator


def frozen(value):
    """The same value with tuples for lists: YAML and JSON know lists, parameters hold tuples."""
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return value


def nearest(name: str, valid) -> str | None:
    """The valid name that a mistaken one most resembles, if any does."""
    return next(iter(difflib.get_close_matches(name, list(valid), 1, 0.5)), None)


def did_you_mean(name: str, valid) -> str:
    """The end of a sentence that refuses a name: the nearest valid one, or all there are."""
    if near := nearest(name, valid):
        return f"did you mean '{near}'?"
    names = ", ".join(valid) or "none"
    return f"there is only {names}" if len(valid) == 1 else f"there are {names}"


def is_plain(name: str, signs: str = "-_.") -> bool:
    """Whether a name can be part of a file's name: letters, digits and signs, no leading dot."""
    plain = all(letter.isalnum() or letter in signs for letter in name)
    return bool(name) and plain and not name.startswith(".")


@dataclass(frozen=True)
class Unknown:
    """What stands in for the value of a key that a block does not have."""

    meant: str | None  # the nearest valid key
    valid: tuple[str, ...]


class Strict(BaseModel):
    """Parameters that refuse unknown keys, NaN and silent type changes, and cannot be altered.

    Field docstrings are the documentation of a key: they reach the JSON schema and the
    reference page unchanged.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data):
        """Mark each unknown key with the nearest valid one; hold lists as tuples."""
        if not isinstance(data, dict):
            return data
        valid = tuple(field.alias or name for name, field in cls.model_fields.items())
        return {
            str(key): frozen(value) if key in valid else Unknown(nearest(str(key), valid), valid)
            for key, value in data.items()
        }

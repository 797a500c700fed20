"""What every block of parameters has in common."""

import difflib

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError


def frozen(value):
    """The same value with tuples for lists: YAML and JSON know lists, parameters hold tuples."""
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    if isinstance(value, dict):
        return {key: frozen(item) for key, item in value.items()}
    return value


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
        """Refuse an unknown key, naming the nearest valid one; hold lists as tuples."""
        if isinstance(data, dict):
            valid = [field.alias or name for name, field in cls.model_fields.items()]
            for key in data:
                if key not in valid:
                    near = difflib.get_close_matches(str(key), valid, 1, 0.5)
                    known = f"valid keys are {', '.join(sorted(valid))}"
                    hint = f"did you mean '{near[0]}'?" if near else known
                    context = {"key": str(key), "hint": hint}
                    raise PydanticCustomError("unknown_key", "unknown key '{key}'; {hint}", context)
        return frozen(data)

"""What every block of parameters has in common."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Parameters that refuse unknown keys, NaN and silent type changes, and cannot be altered.

    Field descriptions are the documentation of a key: they reach the JSON schema and the
    reference page unchanged.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

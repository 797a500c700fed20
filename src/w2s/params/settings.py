"""The parameters of params.yaml: which study, and how to run it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt, model_validator

from w2s.strict import Strict, is_plain


def _plain(name: str) -> str:
    if not is_plain(name):
        raise ValueError(f"'{name}' is no name; it is made of letters, digits and - _ .")
    return name


class ExecutionParams(Strict):
    """How to run; none of this changes a result."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """auto, cpu, cuda or cuda:1; auto takes a GPU if there is one."""
    threads: PositiveInt = 1
    """Threads per process."""
    minutes: PositiveFloat | None = None
    """Time budget of a training job: it saves its state and stops cleanly before that."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_changes_results(cls, data):
        for key in ("precision", "compile"):
            if isinstance(data, dict) and key in data:
                raise ValueError(
                    f"{key} changes results and so is a key of the study: remove it here, and set "
                    f"sampling.{key} in the scale's file if it is to differ"
                )
        return data


class Settings(Strict):
    """The top of params.yaml."""

    scale: Annotated[str, AfterValidator(_plain)]
    """Which study: scales/<scale>.yaml, or the folder scales/<scale>/ with a file for each part."""
    parts: (
        Annotated[tuple[str, ...], Field(min_length=1)] | Annotated[str, Field(min_length=1)] | None
    ) = None
    """The part of the study to run, or a list of them; null: all."""
    data: Annotated[str, Field(min_length=1)] | None = None
    """A folder of class sub-folders with images, instead of the scale's own data set."""
    execution: ExecutionParams = ExecutionParams()
    """How to run."""

"""The parameters of params.yaml: which study, and how to run it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from w2s.strict import Strict


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

    scale: Literal["smoke", "mini", "paper"]
    """Which study: scales/<scale>.yaml."""
    data: Annotated[str, Field(min_length=1)] | None = None
    """A folder of class sub-folders with images, instead of the scale's own data set."""
    execution: ExecutionParams = ExecutionParams()
    """How to run."""

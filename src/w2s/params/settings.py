"""The parameters of params.yaml: which study, and how to run it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from w2s.strict import Strict


class ExecutionParams(Strict):
    """How to run; none of this changes a result."""

    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?)$")] = "auto"
    """auto, cpu, cuda or cuda:1; auto takes a GPU if there is one."""
    threads: PositiveInt = 1
    """Threads per process."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Arithmetic of sampling; auto is fp32 on the CPU and bf16 on a GPU."""
    compile: bool = False
    """Whether to compile the network's blocks when sampling."""
    minutes: PositiveFloat | None = None
    """Time budget of a training job: it saves its state and stops cleanly before that."""


class Settings(Strict):
    """The top of params.yaml."""

    scale: Literal["smoke", "mini", "paper"]
    """Which study: scales/<scale>.yaml."""
    data: Annotated[str, Field(min_length=1)] | None = None
    """A folder of class sub-folders with images, instead of the scale's own data set."""
    execution: ExecutionParams = ExecutionParams()
    """How to run."""

"""Plain flow matching (arXiv 2210.02747)."""

from typing import ClassVar, Literal

from w2s.training.objectives.base import BaseObjective


class Plain(BaseObjective):
    """``MSE(v, u)``: no windows.  Lipman et al., arXiv 2210.02747; arXiv 2401.08740.

    Forwards per step: 1.
    """

    source: ClassVar[str] = "2401.08740"
    formula: ClassVar[str] = "MSE(v, u)"

    name: Literal["none"] = "none"

"""How a kind of part plans and prices the rows of tables that a plan of its own is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from w2s.params.parts import Part
from w2s.plan.estimate import Estimator
from w2s.plan.facts import RowFacts
from w2s.plan.plan import Plan


@dataclass(frozen=True)
class Rows:
    """What `plan.tune` and `plan.confirm` ask of a kind of part."""

    sampled: Callable[[Part], Plan]  # all nodes up to what measures every row
    facts: Callable[[Part, Plan, str, str], RowFacts]  # of a row, by table and name
    estimator: Callable[[Part, Plan], Estimator]

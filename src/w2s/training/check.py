"""Whether the parts of a training recipe fit together; no torch, so that plans can ask."""

from __future__ import annotations

from w2s.errors import UserError
from w2s.models.registry import shape_of
from w2s.training.objectives import objective_from


def check(spec: dict) -> None:
    """Refuse a training spec whose objective reads a signal that is not there.

    Raises UserError with what is wrong and what to change.
    """
    objective, shape = objective_from(spec["objective"]), shape_of(spec["model"])
    name, depth, head_at = objective.name, shape.depth, shape.head_at
    weak = [pull.weak for pull in objective.pulls()]
    if not spec["conditional"] and any(signal.null for signal in weak):
        raise UserError(
            f"objective '{name}' pushes the conditional prediction away from the null one, and in "
            "an unconditional recipe both are the same: use none, br, ag or slg, or set "
            "conditional: true"
        )
    if head_at is None and (spec["head_weight"] or objective.teaches_head):
        raise UserError(f"objective '{name}' with head_weight trains a mid head: set head_at")
    if any(signal.head for signal in weak) and not (head_at and spec["head_weight"]):
        raise UserError(
            f"objective '{name}' pushes away from the mid head, which nothing trains here: "
            "set head_at in the model and a head_weight above 0"
        )
    if beyond := [i for signal in weak for i in signal.skip if i >= depth]:
        raise UserError(
            f"objective '{name}' skips block {beyond[0]} of a model whose blocks are 0 to "
            f"{depth - 1}: choose another"
        )

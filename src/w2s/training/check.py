"""Whether the parts of a training recipe fit together; no torch, so that parameters can ask."""

from __future__ import annotations

from collections.abc import Iterator

from w2s.errors import UserError
from w2s.models.backbone import Shape
from w2s.models.registry import shape_of
from w2s.training.objectives import BaseObjective, objective_from


def check(spec: dict) -> None:
    """Refuse a training spec whose objective reads a signal that is not there.

    Raises UserError with what is wrong and what to change.
    """
    objective, shape = objective_from(spec["objective"]), shape_of(spec["model"])
    for _, what in mistakes(objective, shape, spec["conditional"], spec["head_weight"]):
        raise UserError(what)


def mistakes(
    objective: BaseObjective, shape: Shape, conditional: bool, head_weight: float
) -> Iterator[tuple[str, str]]:
    """Keys of a recipe that do not fit its network or each other, each with what is wrong."""
    name, weak = objective.name, [pull.weak for pull in objective.pulls()]
    if not conditional and any(signal.null for signal in weak):
        yield (
            "objective",
            f"objective '{name}' pushes the conditional prediction away from the null one, and in "
            "an unconditional recipe both are the same: use none, br, ag or slg, or set "
            "conditional: true",
        )
    if shape.head_at is None and (objective.reads_head or objective.teaches_head):
        yield "objective", f"objective '{name}' reads a mid head: set head_at in the recipe's model"
    elif shape.head_at is None and head_weight:
        yield "head_weight", "trains a mid head, which the recipe's model lacks: set its head_at"
    elif objective.reads_head and not head_weight:
        yield (
            "head_weight",
            f"objective '{name}' pushes away from the mid head, which nothing trains here: set "
            "head_weight above 0",
        )
    if beyond := [i for signal in weak for i in signal.skip if i >= shape.depth]:
        yield (
            "objective",
            f"objective '{name}' skips block {beyond[0]} of a model whose blocks are 0 to "
            f"{shape.depth - 1}: choose another",
        )

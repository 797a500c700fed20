"""Training objectives, one file each; torch-free, so that parameters and plans can read them."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from w2s.training.objectives.ag import AG
from w2s.training.objectives.base import BaseObjective
from w2s.training.objectives.br import BR
from w2s.training.objectives.mg import MG
from w2s.training.objectives.none import Plain
from w2s.training.objectives.sgg import SGG
from w2s.training.objectives.sgg_code import SGGCode
from w2s.training.objectives.slg import SLG
from w2s.training.objectives.windows import Windows

Objective = Annotated[
    Plain | MG | BR | AG | SLG | SGG | SGGCode | Windows, Field(discriminator="name")
]

_ADAPTER = TypeAdapter(Objective)


def objective_from(fields: dict) -> BaseObjective:
    """The objective that plain fields describe; pydantic.ValidationError if they are wrong."""
    return _ADAPTER.validate_python(fields)


__all__ = ["AG", "BR", "MG", "SGG", "SLG", "BaseObjective", "Objective", "Plain", "SGGCode"]
__all__ += ["Windows", "objective_from"]

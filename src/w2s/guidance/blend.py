"""Two methods mixed with a plain factor: one step of a linear cross-fade between windows."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, SerializeAsAny

from w2s.guidance.base import STRONG, Method, State
from w2s.guidance.registry import method_from
from w2s.strict import frozen


def _load(value: Any) -> Any:
    return method_from(value) if isinstance(value, dict) else value


Part = Annotated[SerializeAsAny[Method] | None, BeforeValidator(_load)]


class Blend(Method):
    """``(1 - factor) v_first + factor v_second``; None stands for plain conditional.

    Signals, cost: those of both, each computed once.  State: both start from the step's state;
    where both write the same tensor the second, whose window comes next, prevails.
    """

    formula: ClassVar[str] = "(1 - f) v_1 + f v_2"

    method: Literal["blend"] = "blend"
    first: Part
    """The method that fades out, resolved."""
    second: Part
    """The method that fades in, resolved."""
    factor: Annotated[float, Field(gt=0, lt=1)]
    """Share of the second method."""

    def signals(self):
        both = [(STRONG,) if part is None else part.signals() for part in (self.first, self.second)]
        return tuple(dict.fromkeys(both[0] + both[1]))

    def combine(self, v, x, t, state):
        incoming, mixed = dict(state.tensors), 0.0
        for part, share in ((self.first, 1 - self.factor), (self.second, self.factor)):
            own = State(dict(incoming))
            mixed = mixed + share * (v[STRONG] if part is None else part.combine(v, x, t, own))
            written = {k: t for k, t in own.tensors.items() if t is not incoming.get(k)}
            state.tensors.update(written)
        return mixed


def step_from(fields: dict) -> Method:
    """What is done at a step from its record: a method, or a blend of two.

    Raises pydantic.ValidationError for an unknown method or bad fields.
    """
    if fields.get("method") == "blend":
        return Blend.model_validate(frozen(fields))
    return method_from(fields)

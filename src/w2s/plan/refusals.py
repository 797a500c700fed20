"""What guidance may not ask of a network that has not learned it."""

from __future__ import annotations

from w2s.errors import UserError
from w2s.params.networks import untrained_head
from w2s.plan.drawing import Drawing
from w2s.sampling.trajectories import signals_of


def refuse_untrained_head(params, model: str, drawing: Drawing) -> None:
    """UserError where the guidance reads a mid head that was never trained."""
    for net in sorted({signal.net for signal in _asked(drawing) if signal.head}):
        if why := untrained_head(params, model if net == "main" else net):
            raise UserError(f"this guidance {why}")


def refuse_null(model: str, drawing: Drawing) -> None:
    """UserError where the guidance extrapolates from no label, and the network knows none."""
    if not drawing.start["conditional"] and any(signal.null for signal in _asked(drawing)):
        raise UserError(
            f"this guidance extrapolates from the null branch, and '{model}' never sees "
            "labels: choose a guidance without it, or a network with labels"
        )


def _asked(drawing: Drawing) -> set:
    """Every signal of the guidance."""
    return {signal for method in set(drawing.methods) for signal in signals_of(method)}

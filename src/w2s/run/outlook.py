"""What is left of a plan in hours and bytes, in words."""

from __future__ import annotations

from collections.abc import Sequence

from w2s.errors import UserError
from w2s.plan.plan import Plan
from w2s.plan.schedule import Work, work_of

UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))
LEAST_SHARE = 0.01  # of the critical path, for a node on it to be named


def time_and_disk(planned: Plan, absent: Sequence[str], gpus: int | None) -> list[str]:
    """Lines with hours, critical path and disk of the nodes that are to run.

    gpus: how long that many take at least.

    Raises:
        UserError: no job of the study asks for a GPU.
    """
    asks = any(planned.budgets[key].gpus(node) for key, node in planned.nodes.items())
    if gpus and not asks:
        raise UserError(
            f"--gpus {gpus}: no job of scale {planned.scale} asks for a GPU; "
            "set gpus: 1 in the files of its parts, or leave --gpus out"
        )
    work = work_of(planned, absent)
    lines = [f"work: {_amount(work, asks)}; disk {size(work.bytes)}"]
    if not absent:
        return lines
    lines.append(f"critical path: {hours(work.path_hours)}: {_path(planned, work)}")
    if gpus:
        lines.append(
            f"wall time on {gpus} GPUs: at least {hours(work.least_hours(gpus))}, the larger of "
            f"critical path and all GPU work over {gpus}, {hours(work.gpu_hours / gpus)}"
        )
    lines.append(f"{_basis(planned, absent)}; starting and queueing are not counted")
    return lines


def _amount(work: Work, asks: bool) -> str:
    cpu = f"{work.cpu_hours:.3g} hours of jobs on the CPU"
    if not asks:
        return cpu
    return f"{work.gpu_hours:.3g} GPU-hours" + (f" and {cpu}" if work.cpu_hours else "")


def _path(planned: Plan, work: Work) -> str:
    """The nodes that make up the critical path, with their hours."""
    named = []
    for key in work.path:
        node = planned.nodes[key]
        taken = planned.budgets[key].seconds(node) / 3600
        if taken >= LEAST_SHARE * work.path_hours:
            named.append(f"{node.label or node.kind} {hours(taken)}")
    return ", ".join(named)


def _basis(planned: Plan, absent: Sequence[str]) -> str:
    """What the hours rest on."""
    budgets = [(planned.budgets[key], planned.nodes[key]) for key in absent]
    assumed = any(not budget.measured(budget.gpus(node)) for budget, node in budgets)
    if assumed:
        return "hours: by a rate that is assumed, not measured on such a device (`w2s cost` does)"
    cost = budgets[0][0].cost
    return f"hours: by the cost of {cost.device}, measured {cost.measured}"


def hours(count: float) -> str:
    """A time for people."""
    if count < 1:
        return f"{60 * count:.2g} min"
    return f"{count:.3g} h" if count < 48 else f"{count / 24:.3g} days"


def size(count: float) -> str:
    """A number of bytes for people."""
    for unit, name in UNITS:
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count:.0f} B"

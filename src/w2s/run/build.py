"""Building one node: verify what it reads, work in a scratch directory, publish by rename."""

from __future__ import annotations

import importlib
import os
import platform
import resource
import shutil
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import w2s
from w2s.errors import OutOfTime, UserError
from w2s.job import Execution, Job
from w2s.plan.kinds import KINDS, on_gpu
from w2s.plan.nodes import Node
from w2s.run.cores import share_cores
from w2s.run.devices import one_device
from w2s.run.frozen import FrozenPlan
from w2s.run.leaving import leave_when_asked
from w2s.run.memory import keep_freed_memory
from w2s.run.telling import Telling
from w2s.store import folders
from w2s.store.lease import Lease, held

PACKAGES = ("torch", "diffusers", "transformers", "torch-fidelity", "accelerate", "numpy")
PACKAGES += ("safetensors", "pillow")


def build(kind: str, key: str, plan: FrozenPlan, minutes: float | None = None) -> None:
    """Build one node of a plan, unless it is there.

    minutes: when a scheduler will stop the process; training saves its state and stops before.
    Raises:
        UserError: something a user can mend; nothing half-written is left behind.
        OutOfTime: a training run has saved its state and stopped at its time budget.
    """
    node = plan.node(key)
    if node.kind != kind:
        raise UserError(f"node {key} is a {node.kind}; use `w2s {KINDS[node.kind].verb}`")
    leave_when_asked()
    execution = _within(Execution(**plan.execution), minutes)
    # A killed run's jobs, or another run's, may still be at it.
    while not _built(node, plan, execution):
        print(f"{kind} {key} is another's to build: what was made here is dropped", file=sys.stderr)


def _within(execution: Execution, minutes: float | None) -> Execution:
    """The time budget that ends first: the user's or the scheduler's."""
    budgets = [budget for budget in (execution.minutes, minutes) if budget is not None]
    return replace(execution, minutes=min(budgets, default=None))


def _built(node: Node, plan: FrozenPlan, execution: Execution) -> bool:
    """Whether the node is there, built now or by another; not if its lease was lost meanwhile."""
    path = folders.lease_path(node.kind, node.key)
    with held(path, done=lambda: folders.present(node.kind, node.key)) as lease:
        if lease is None:
            print(f"{node.kind} {node.key} is there", file=sys.stderr)
            return True
        try:
            with Telling.of(node, lease) as telling:
                _build(node, plan, execution, lease, telling)
            return True
        except OutOfTime:
            raise
        except Exception:
            if lease.mine():
                raise
            return False  # whatever went wrong: another has this place now


def _build(
    node: Node, plan: FrozenPlan, execution: Execution, lease: Lease, telling: Telling
) -> None:
    kind, key = node.kind, node.key
    parents = {
        role: [folders.verified_or_set_aside(plan.node(p).kind, p) for p in keys]
        for role, keys in node.inputs.items()
    }
    keep_freed_memory()
    execution = share_cores(execution)
    scratch = folders.scratch_dir(kind, key, lease.owner.id)
    try:
        with one_device(execution, on_gpu(kind, node.spec)) as where:
            facts = _work(node, scratch, parents, where, telling.tell)
        folders.publish(scratch, kind, key, facts, allowed=lease.check)
        shutil.rmtree(execution.state / key, ignore_errors=True)  # of no more use
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _work(node: Node, scratch: Path, parents, execution: Execution, tell) -> dict:
    """Run the builder; returns everything the manifest says beside the checksums."""
    kind = KINDS[node.kind]
    for name in kind.imports:
        importlib.import_module(name)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(execution.threads)
    module, _, function = kind.builder.partition(":")
    builder = getattr(importlib.import_module(module), function)
    startup = time.process_time()
    start, clock = datetime.now(UTC), time.monotonic()
    job = Job(node.kind, node.key, node.spec, scratch, parents, node.local, execution, tell)
    facts = builder(job) or {}
    return {
        "label": node.label,
        "version": kind.version,
        "spec": node.spec,
        "parents": node.parents,
        "helpers": node.helpers,
        "execution": {**vars(execution), "state": str(execution.state)},
        "facts": facts,
        "code": w2s.__version__,
        "packages": versions(),
        "hardware": _hardware(),
        "start": start.isoformat(timespec="seconds"),
        "end": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - clock, 3),
        "cpu_seconds": round(time.process_time() - startup, 3),
        "startup_cpu_seconds": round(startup, 3),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that results depend on."""
    return {"python": platform.python_version()} | {p: metadata.version(p) for p in PACKAGES}


def _hardware() -> dict[str, str]:
    torch = sys.modules.get("torch")
    gpu = torch is not None and torch.cuda.is_available()
    return {
        "machine": platform.machine(),
        "cpus": str(os.cpu_count()),
        "gpu": torch.cuda.get_device_name() if gpu else "none",
    }

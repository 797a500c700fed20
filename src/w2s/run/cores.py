"""How many threads a job computes with, and how they wait for each other."""

from __future__ import annotations

import os
from dataclasses import replace

from w2s.job import Execution

GRANTED = "OMP_NUM_THREADS"  # Snakemake sets it to the job's threads, which --cores may cut down
WAITING = {"OMP_WAIT_POLICY": "passive"}  # two pools that spin on the same cores cost 10x


def share_cores(execution: Execution) -> Execution:
    """Threads no more than the job was granted and this process may use; waiting without spinning.

    To be called before torch is imported, which reads the environment once.
    """
    threads = min(execution.threads, granted(), available())
    os.environ.setdefault(GRANTED, str(threads))
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)
    return replace(execution, threads=threads)


def granted() -> int:
    """Threads that the environment grants; as many as there are cores if it says nothing."""
    first = os.environ.get(GRANTED, "").partition(",")[0].strip()
    return int(first) if first.isdigit() and int(first) else available()


def available() -> int:
    """Cores that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not every system keeps count
        return os.cpu_count() or 1

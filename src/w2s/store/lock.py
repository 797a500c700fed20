"""Locks that the kernel drops together with the process that holds them: none is ever stale."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from w2s.errors import UserError

RUN = Path(".w2s/lock")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; waits while another process holds it.

    The file goes when the work is done: who waited holds a nameless file then, and must look
    whether anything is left to do.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
        path.unlink(missing_ok=True)


def hold_run() -> None:
    """Be the only run in this folder until the process ends.

    Raises:
        UserError: there is another.
    """
    RUN.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(RUN, os.O_CREAT | os.O_RDWR)  # never closed: the lock is the process's
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"another snakemake is at work in {Path.cwd()}; wait for it to end, or stop it"
        ) from None

"""Locks that the kernel drops together with the process that holds them: none is ever stale."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from w2s.errors import UserError

RUN = Path(".w2s/lock")
_held: list[FileLock] = []  # a lock ends with its object


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; waits while another process holds it.

    Who waited must look whether anything is left to do.  The file goes when the work is done:
    filelock takes no file for locked that has lost its name meanwhile.
    """
    with _lock(path):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def hold_run() -> None:
    """Be the only run in this folder until the process ends.

    Raises:
        UserError: there is another.
    """
    lock = _lock(RUN)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise UserError(
            f"another snakemake is at work in {Path.cwd()}; wait for it to end, or stop it"
        ) from None
    _held.append(lock)


def _lock(path: Path) -> FileLock:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Where a file system has no kernel locks an error is better than files that outlive a kill.
    return FileLock(path, fallback_to_soft=False)

"""What a node's builder is given: its spec, verified parents, a place to write, a way to report."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Execution:
    """How to run: never part of a key, because it does not change a result."""

    device: str = "auto"  # auto, cpu, cuda, cuda:1, ...
    threads: int = 1  # per process; two spinning OpenMP pools on one machine cost 10x
    minutes: float | None = None  # stop cleanly, state saved, after this long
    state: Path = Path("state")  # training state lives under state/<key>/


def _nobody(what: str, done: int, total: int, left: float) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class Job:
    """One node being built.  Builders write under `out` only; the store publishes it by rename."""

    kind: str
    key: str
    spec: dict
    out: Path
    parents: dict[str, list[Path]] = field(default_factory=dict)  # role -> verified directories
    local: dict = field(default_factory=dict)  # places on this machine (a data folder); not hashed
    execution: Execution = field(default_factory=Execution)
    # Told every few seconds, for `w2s status`: what is counted, done, total, seconds left.
    tell: Callable[[str, int, int, float], None] = _nobody

    def parent(self, role: str) -> Path:
        """The only parent in this role; KeyError or ValueError if there is not exactly one."""
        (path,) = self.parents[role]
        return path

    def log(self, message: str) -> None:
        """A line in the job's log."""
        print(message, file=sys.stderr, flush=True)

    def progress(self, items: Iterable, total: int, what: str, every: float = 5.0) -> Iterator:
        """Pass `items` on, reporting how many of `total` are done and the time left."""
        start = shown = time.monotonic()
        for done, item in enumerate(items, 1):
            yield item
            now = time.monotonic()
            if now - shown >= every or done == total:
                left = (now - start) / done * (total - done)
                self.log(f"{what} {done}/{total}, {left:.0f} s left")
                self.tell(what, done, total, left)
                shown = now

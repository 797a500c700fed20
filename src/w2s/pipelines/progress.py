"""How far a command is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY = 10.0  # seconds between two lines


@contextmanager
def counting(what: str, total: int, shown: bool = True) -> Iterator[Callable[[], None]]:
    """Something to call after each of `total` pieces of work; on standard error, with time left."""
    if not shown:
        yield lambda: None
    elif sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task(what, total=total)
            yield lambda: bar.advance(task)
    else:
        yield _lines(what, total)


def _bar():
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


def _lines(what: str, total: int) -> Callable[[], None]:
    start = shown = time.monotonic()
    done = 0

    def tick() -> None:
        nonlocal done, shown
        done += 1
        now = time.monotonic()
        if now - shown >= EVERY or done == total:
            left = (now - start) / done * (total - done)
            print(f"{what} {done}/{total}, {left:.0f} s left", file=sys.stderr, flush=True)
            shown = now

    return tick

"""`w2s tune`: round after round of the search, each a run of Snakemake."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence

from w2s.errors import UserError
from w2s.params.parts import Study
from w2s.plan.tune import Search
from w2s.store.searches import searches

COMMAND = (sys.executable, "-m", "snakemake", "tune")


def tune(load: Callable[[], Study], arguments: Sequence[str] = ()) -> int:
    """Run `snakemake tune` until the search of every part is finished; returns its last status.

    A plan is fixed when Snakemake starts, so each round is a run of its own, and the loop is here.
    load: reads the study anew.  arguments: for Snakemake.

    Raises:
        UserError: nothing is to be tuned, or a round that was run is not there.
    """
    before = searches(load())
    if not before:
        raise UserError("no part of this study has a block tune in its file; there is no search")
    while True:
        print(_said(before), flush=True)
        status = _run([*COMMAND, *arguments])
        if status or not _unfinished(before):
            return status
        after = searches(load())
        if {name: len(one.rounds) for name, one in after.items()} == {
            name: len(one.rounds) for name, one in before.items()
        } and _unfinished(after) == _unfinished(before):
            raise UserError(
                "the round was run but is not in results/tune; were parameters changed, or was "
                "Snakemake told not to run? Give the same command again"
            )
        before = after


def _unfinished(found: dict[str, Search]) -> list[str]:
    return [name for name, search in found.items() if search.unfinished]


def _run(command: list[str]) -> int:
    """The status of a command, which alone decides what Ctrl-C does to it."""
    process = subprocess.Popen(command)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.wait()
        raise


def _said(found: dict[str, Search]) -> str:
    """How far the searches are."""
    lines = []
    for name, search in found.items():
        tried = sum(map(len, search.tried.values()))
        if search.unfinished:
            count = sum(map(len, search.rounds[-1].values()))
            lines.append(f"{name}: {tried} evaluations, round {len(search.rounds)} tries {count}")
        else:
            lines.append(f"{name}: finished after {tried} evaluations")
    return "\n".join(lines)

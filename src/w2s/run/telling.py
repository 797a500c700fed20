"""What a job says of itself, in a small file that `w2s status` reads on any machine.

The file appears when a node's job begins, is replaced every few seconds as it goes on, and vanishes
when it is done.  What failed or was stopped leaves it behind, until it is tried again; so does what
was killed, whose lease tells that it does not run any more.  Nothing but `w2s status` reads it.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime

from w2s.errors import OutOfTime, UserError
from w2s.files import HOST, write_text
from w2s.plan.nodes import Node
from w2s.store.folders import told_path
from w2s.store.lease import Lease

RUNNING, FAILED, STOPPED = "running", "failed", "stopped"


def utc() -> str:
    """Now, in seconds of UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Telling:
    """The file of a job, from its beginning to its end: a context manager around the work.

    lease: the job's; when it is lost, the file is another's.  Without one the job is known once it
        has failed: nobody could tell whether it still runs.
    """

    def __init__(self, kind: str, name: str, label: str, lease: Lease | None = None):
        self.path, self.lease = told_path(kind, name), lease
        self.facts = {
            "kind": kind,
            "key": name,
            "label": label or kind,
            "lease": lease.owner.id if lease else None,
            "by": f"process {os.getpid()} on {HOST}",
            "since": utc(),
            "state": RUNNING,
        }

    @classmethod
    def of(cls, node: Node, lease: Lease) -> Telling:
        """For the job that builds a node."""
        return cls(node.kind, node.key, node.label, lease)

    def tell(self, what: str, done: int, total: int, left: float) -> None:
        """How far the job is: `what` it counts, how many of how many, and seconds left."""
        self._write(what=what, done=done, total=total, left=round(left, 1))

    def __enter__(self) -> Telling:
        if self.lease:
            self._write()
        return self

    def __exit__(self, kind, error, trace) -> None:
        if self.lease and not self.lease.mine():
            return
        if error is None:
            self.path.unlink(missing_ok=True)
        elif isinstance(error, OutOfTime | SystemExit | KeyboardInterrupt):
            said = str(error) if isinstance(error, OutOfTime) else "asked to stop"
            self._write(state=STOPPED, said=said)
        else:
            what = "" if isinstance(error, UserError) else f"{kind.__name__}: "
            self._write(state=FAILED, said=f"{what}{error}")

    def _write(self, **facts) -> None:
        self.facts |= facts | {"at": utc()}
        try:
            write_text(self.path, json.dumps(self.facts))
        except OSError as error:  # no reason to end the work
            print(f"{self.path} could not be written ({error.strerror})", file=sys.stderr)

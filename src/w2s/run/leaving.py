"""Ending a job that is asked to: by way of its `finally` blocks, and if not so, at all."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

GRACE = 20.0  # seconds to leave by the finally, less than Slurm waits before it kills
STATUS = 128 + signal.SIGTERM


def leave_when_asked() -> None:
    """End this process with status 143 on SIGTERM, as on SIGINT.

    SystemExit can be lost: while modules are imported, Python drops what is raised in a callback
    of importlib, which may then hold the lock of all imports for good.  So the process ends
    after `GRACE` seconds whatever came of it; what it was at is made again from what is saved.
    """
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGTERM))


def _leave(*_) -> None:
    threading.Thread(target=_insist, daemon=True).start()
    sys.exit(STATUS)


def _insist() -> None:
    time.sleep(GRACE)
    os._exit(STATUS)

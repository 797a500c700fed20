"""A process that has done the slow imports once and forks for each job.

Importing torch, diffusers and torch_fidelity takes a job on one core 12 seconds, as long as a
miniature sample set.  So Snakemake's main process starts one interpreter that imports what the jobs
to come will need, and `w2s` asks it to fork: the fork has this job's arguments, output and fate.
Where there is no such process (a cluster, or `w2s` typed by hand) a job imports for itself; results
are the same bytes.

Nothing here computes before the fork: a forked OpenMP pool would hang, a CUDA context break.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import multiprocessing
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn

from w2s.metrics.score_registry import SCORES
from w2s.plan.kinds import KINDS
from w2s.plan.nodes import Node
from w2s.run.ask import ADDRESS

Main = Callable[[list[str]], int]  # the command line: arguments to exit status
PUBLISHING = ("matplotlib.figure", "pandas", "w2s.report.publish")  # part of any run


def imports_of(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Modules that building these nodes, and publishing what they lead to, takes."""
    names = dict.fromkeys(PUBLISHING)
    for node in nodes:
        kind = KINDS[node.kind]
        names |= dict.fromkeys([*kind.imports, "w2s.run.build", kind.builder.partition(":")[0]])
        if node.kind == "score":
            score = SCORES[node.spec["score"]]
            names |= dict.fromkeys([score.scorer.partition(":")[0], *score.imports])
    return tuple(names)


def start(log_file: Path, imports: Iterable[str]) -> None:
    """Start the process and tell this one's children where it listens; it ends with this one.

    imports: modules that it has at hand.  Does nothing where a process is known already.
    """
    if os.environ.get(ADDRESS):
        return
    path = Path(tempfile.mkdtemp(prefix="w2s-"), "warm")  # a socket's path must be short
    os.environ[ADDRESS] = str(path)
    command = [sys.executable, "-m", "w2s", "serve", str(path), *imports]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    log_file.parent.mkdir(parents=True, exist_ok=True)
    life, _ = os.pipe()  # its other end is closed by the end of this process alone
    with log_file.open("w") as log:
        subprocess.Popen(
            command, stdin=life, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    os.close(life)


def serve(path: Path, imports: Iterable[str], main: Main) -> NoReturn:
    """Listen, import, and fork a process that runs `main` for every request until stdin ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    # The default up to Python 3.13.  Under later ones a lock that a library makes in a fork, which
    # leaves without an ordinary exit, would be reported as leaked in that job's log.
    multiprocessing.set_start_method("fork")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)  # requests that come during the imports wait
        for name in imports:
            importlib.import_module(name)
        gc.freeze()  # or each fork's first collection would copy all of it
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        facts = {"startup_cpu_seconds": round(time.process_time(), 3), "peak_mb": round(peak)}
        print(json.dumps(facts), flush=True)
        while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    _answer(connection, main)
    shutil.rmtree(path.parent)
    sys.stdout.flush()
    os._exit(0)  # an ordinary exit prints pages of triton's leaks


def _answer(connection: socket.socket, main: Main) -> None:
    """In a fork: become the job that the request describes, then leave."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    header, (out, err), _, _ = socket.recv_fds(connection, 4, 2)
    with connection.makefile("rb") as stream:
        request = json.loads(stream.read(int.from_bytes(header, "big")))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    threading.Thread(target=_die_with, args=(connection,), daemon=True).start()
    status = 1
    try:
        status = main(request["argv"])
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the asking process ends on our answer
        sys.stdout.flush()
        sys.stderr.flush()
        with contextlib.suppress(BrokenPipeError):  # it was killed
            connection.sendall(bytes([status & 255]))
        os._exit(status)


def _die_with(connection: socket.socket) -> None:
    """Treat the end of the asking process as a request to stop."""
    connection.recv(1)
    os.kill(os.getpid(), signal.SIGTERM)

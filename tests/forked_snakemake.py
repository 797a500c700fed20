"""Snakemake imported once and forked for each run of the tests, which would spend half on imports.

A run is what `python -m snakemake` would be: a session of its own, in its folder and environment.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

ENOUGH = 1 << 20  # bytes of a request: arguments and environment


class Forked:
    """A run, as much like subprocess.Popen as the tests ask for."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str]):
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ENOUGH)
        self._line.connect(_server())
        read, write = os.pipe()
        told = [arguments, str(folder), dict(environment)]
        socket.send_fds(self._line, [json.dumps(told).encode()], [write])
        os.close(write)
        self.stdout = open(read, encoding="utf-8")  # noqa: SIM115
        self.pid = int(self._line.recv(64))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, if it has ended."""
        return self._ask(socket.MSG_DONTWAIT)

    def wait(self) -> int:
        """The exit status, once it has ended."""
        return self._ask(0)

    def communicate(self) -> tuple[str, None]:
        """All that it says, once it has ended."""
        said = self.stdout.read()
        self.wait()
        return said, None

    def kill(self) -> None:
        """SIGKILL."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _ask(self, how: int) -> int | None:
        if self.returncode is None:
            try:
                self.returncode = int(self._line.recv(64, how))
            except BlockingIOError:
                return None
        return self.returncode


@cache
def _server() -> str:
    """Where this process's own server listens; it ends when this process does."""
    path = Path(tempfile.mkdtemp(prefix="w2s-tests-")) / "snakemake"
    keep, seen = os.pipe()[::-1]  # whose writing end closes with this process
    os.set_inheritable(keep, False)
    command = [sys.executable, __file__, str(path)]
    process = subprocess.Popen(command, stdin=seen, stdout=subprocess.PIPE)
    os.close(seen)
    assert process.stdout.readline() == b"ready\n"
    return str(path)


def serve(path: str) -> None:
    """Fork for each request, until standard input closes."""
    import snakemake.cli  # noqa: F401

    import w2s.run.start  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that attend
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(path)
    listening.listen()
    print("ready", flush=True)
    while listening in select.select([sys.stdin, listening], [], [])[0]:
        line, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _attend(line)
        line.close()


def _attend(line: socket.socket) -> None:
    """Start one run, tell its process and then its exit status."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    message, (output,), *_ = socket.recv_fds(line, ENOUGH, 1)
    arguments, folder, environment = json.loads(message)
    process = os.fork()
    if process == 0:
        _run(arguments, folder, environment, output)
    os.close(output)
    line.send(str(process).encode())
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with suppress(OSError):  # nobody asks any more
        line.send(str(status).encode())
    os._exit(0)


def _run(arguments: list[str], folder: str, environment: dict[str, str], output: int) -> None:
    from snakemake.cli import main

    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may do nothing here
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["snakemake", *arguments]
    sys.path[0] = folder
    sys.exit(main(arguments))


if __name__ == "__main__":
    serve(sys.argv[1])

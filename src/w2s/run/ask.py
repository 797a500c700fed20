"""Giving a job to the warm process (w2s.run.warm): all that a job's own process has to import."""

from __future__ import annotations

import json
import os
import signal
import socket

ADDRESS = "W2S_WARM"  # environment variable with the socket's path


def ask(argv: list[str]) -> int | None:
    """Have a fork run `w2s` with these arguments; its exit status, or None if nobody listens."""
    address = os.environ.get(ADDRESS)
    if address is None:
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(address)
        except OSError:
            return None
        request = json.dumps({"argv": argv, "cwd": os.getcwd(), "environment": dict(os.environ)})
        socket.send_fds(connection, [len(request).to_bytes(4, "big")], [1, 2])
        connection.sendall(request.encode())
        try:
            status = connection.recv(1)  # empty if the fork was killed
        except KeyboardInterrupt:
            connection.shutdown(socket.SHUT_WR)  # tells the fork to stop
            status = connection.recv(1)
        return status[0] if status else 128 + signal.SIGKILL

"""Who holds a lease: what its file says, and whether that process still lives."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from w2s.files import HOST


def _space() -> str | None:
    """Where a process number means something: this boot, this namespace; None if nobody says."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return None


SPACE = _space()
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Owner:
    """What the file of a lease says; constant in length, whatever the number of the beat."""

    id: str  # random: of this lease and no other
    host: str  # for people to read
    space: str | None  # containers may share a host's name, but not its process numbers
    pid: int
    started: str  # when, in the kernel's ticks since it booted: process numbers come again
    since: str  # UTC of the holder's clock, for people to read
    period: float  # seconds; longer than that without a beat, and the lease is dead
    beat: int = 0  # how often the holder has said that it lives: its own clock

    @classmethod
    def myself(cls, period: float) -> Owner:
        """This process, about to take a lease."""
        pid, now = os.getpid(), datetime.now(UTC).isoformat(timespec="seconds")
        return cls(uuid4().hex, HOST, SPACE, pid, _started(pid)[1], now, period)

    @classmethod
    def read(cls, path: Path, period: float) -> Owner | None:
        """Who holds the lease of this name; None if nobody does.

        A file that says nothing (a machine lost its power) has an owner that never beats, with
        the reader's own period.
        """
        try:
            return cls.parse(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
            return cls.read(path, period)  # NFS: the name was given to another file meanwhile
        except (ValueError, TypeError, KeyError):
            return cls(UNREADABLE, "an unknown host", None, 0, "", "an unknown time", period)

    @classmethod
    def parse(cls, content: bytes) -> Owner:
        """From a file's content.

        Raises:
            ValueError, TypeError, KeyError: no lease says this.
        """
        fields = json.loads(content)
        return cls(**fields | {"beat": int(fields["beat"])})

    def content(self, beat: int = 0) -> bytes:
        """The file's content at a beat."""
        return json.dumps(asdict(replace(self, beat=beat)) | {"beat": f"{beat:012d}"}).encode()

    @property
    def here(self) -> bool:
        """Whether this process can tell if that one lives."""
        return self.space is not None and self.space == SPACE

    def ended(self) -> bool:
        """Whether it is known that the process does not run any more; False if one cannot tell."""
        if not self.here:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:  # another user's
            return False
        state, started = _started(self.pid)
        return state in ("Z", "X") or started not in ("", self.started)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since}"


def _started(pid: int) -> tuple[str, str]:
    """State of a process and when it started, as the kernel says; empty where it says nothing."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", ""
    return fields[0], fields[19]  # the third and the 22nd of all

"""Leases: one process at a time is at something, on a file system that many machines share.

A lease is a file that says who holds it (w2s.store.owner).  All rests on link(2), which makes a
name or fails because it is there, and on rename(2), which replaces one in one step: both are
atomic on NFS and on local file systems.  There is no flock, no modification time is read, and no
clock is compared with another machine's.

Take: write a private file, link it to the lease's name.  Who finds the name in use waits.
Beat: the holder opens the name, and if the file still has its id writes the next number into that
  same file.  So the beat of one who has lost his lease never reaches his successor's file.
Dead: its process has ended, if it ran where the waiter runs (same boot, same process numbers); or
  the waiter itself has seen the same id and beat for longer than the period which the file states.
Take over: link a private file to `<name>.<id of the dead>`, which one of many can; see that the
  name still has that id; rename another private file onto the name; remove `<name>.<id>`.  That
  is itself a lease: if its holder dies, the next one takes it over in the same way.
Give back: link `<name>.<own id>`, so that nobody can take over meanwhile; remove both.  Who finds
  it there has been declared dead and leaves everything to the heir.

A process that was suspended for longer than the period may have lost its lease: it checks that
right before it publishes, and drops what it made.  If it is suspended between the check and the
rename it publishes late: a whole result, the same as the other's.  An heir suspended for that
long between seeing the dead id and renaming may push out the next holder, whose work is dropped.
So a suspension costs work at worst; no result rests on how long anything took.
"""

from __future__ import annotations

import atexit
import glob
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from w2s.errors import UserError
from w2s.store.owner import Owner

PERIOD = 90.0  # seconds; a network file system may show a file as it was a minute ago
BEATS = 6  # in a period
RUN = Path(".w2s/lease")


class Lost(Exception):
    """The lease is another's by now: nothing may be published under it."""


class Lease:
    """A lease to be taken: by one Lease at a time of all those with the same path.

    period: seconds without a beat after which others may take it; they go by what its file says.
    """

    def __init__(self, path: Path, period: float | None = None):
        self.path, self.owner = path.absolute(), Owner.myself(period or PERIOD)
        self._seen: dict[Path, tuple[tuple[str, int], float]] = {}  # what, and since when
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)

    def holder(self) -> Owner | None:
        """Who holds it now; None if nobody does."""
        return Owner.read(self.path, self.owner.period)

    def mine(self) -> bool:
        """Whether this one holds it still, as the file says at this moment."""
        holder = self.holder()
        return holder is not None and holder.id == self.owner.id

    def check(self) -> None:
        """Raises Lost if it is not this one's any more."""
        if not self.mine():
            raise Lost(self.path.name)

    def take(self) -> bool:
        """Take it if it is free or its holder is dead; whether this one holds it now.

        To find a holder on another machine dead this must be called again and again, for longer
        than the period.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self._take(self.path):
            return False
        self._sweep()
        self._heart.start()
        return True

    def release(self) -> None:
        """Give it back, if it is not another's by now; in a fork of the holder nothing happens."""
        if os.getpid() != self.owner.pid:
            return
        self._stop.set()
        self._heart.join()
        heir = self._heir(self.path, self.owner)
        if self._link(heir):
            if self.mine():
                self.path.unlink()
            heir.unlink(missing_ok=True)

    def _take(self, path: Path) -> bool:
        holder = Owner.read(path, self.owner.period)
        if holder is None:
            return self._link(path)
        if not self._dead(path, holder):
            return False
        heir = self._heir(path, holder)
        if not self._take(heir):
            return False
        try:
            now = Owner.read(path, self.owner.period)
            if now is None or now.id != holder.id:  # an heir before this one has been here
                return False
            os.replace(self._private(path), path)
            return True
        finally:
            heir.unlink(missing_ok=True)

    def _dead(self, path: Path, holder: Owner) -> bool:
        now, what = time.monotonic(), (holder.id, holder.beat)
        if self._seen.get(path, (None, 0.0))[0] != what:
            self._seen[path] = what, now
        return holder.ended() or now - self._seen[path][1] > holder.period

    def _link(self, path: Path) -> bool:
        """Make the name if it is absent."""
        private = self._private(path)
        try:
            os.link(private, path)
            return True
        except FileExistsError:  # by this very call, if NFS lost the answer and asked again
            holder = Owner.read(path, self.owner.period)
            return holder is not None and holder.id == self.owner.id
        except OSError as error:
            raise UserError(
                f"no lease can be taken in {path.parent} ({error.strerror}): results must lie on "
                "a file system with hard links"
            ) from None
        finally:
            private.unlink(missing_ok=True)

    def _private(self, path: Path) -> Path:
        """A file of this process alone, to be linked or renamed to `path`."""
        private = path.with_name(f"{path.name}.{self.owner.id}.new")
        private.write_bytes(self.owner.content())
        return private

    @staticmethod
    def _heir(path: Path, holder: Owner) -> Path:
        return path.with_name(f"{path.name}.{holder.id}")

    def _sweep(self) -> None:
        """Remove what killed processes left half done: with this lease taken it is of no use."""
        for left in self.path.parent.glob(f"{glob.escape(self.path.name)}.*"):
            owner = Owner.read(left, self.owner.period)
            if owner is not None and owner.ended():
                left.unlink(missing_ok=True)

    def _beat(self) -> None:
        beat = 0
        while not self._stop.wait(self.owner.period / BEATS):
            beat += 1
            try:
                with self.path.open("r+b") as file:
                    if Owner.parse(file.read()).id != self.owner.id:
                        break
                    file.seek(0)
                    file.write(self.owner.content(beat))
            except FileNotFoundError:
                break
            except OSError as error:  # it may be back for the next beat
                _say(f"the lease {self.path} could not be renewed ({error.strerror})")
        else:
            return
        _say(f"the lease {self.path} is lost: this process did not renew it for too long")


@contextmanager
def held(
    path: Path, done: Callable[[], bool] = lambda: False, period: float | None = None
) -> Iterator[Lease | None]:
    """Hold a lease, and give it back; waits while another holds it, and says for whom.

    Gives None, at once and whoever holds the lease, when `done` says that nothing is left to do.
    """
    lease = Lease(path, period)
    pause, told = 0.01, ""
    while not done():
        if lease.take():
            try:
                yield None if done() else lease
            finally:
                lease.release()
            return
        if (holder := lease.holder()) and holder.id != told:
            _say(f"{path.name} is held by {holder}: waiting")
            told = holder.id
        time.sleep(pause)
        pause = min(1.5 * pause, 1.0, lease.owner.period / BEATS)
    yield None


def hold_run(path: Path = RUN, period: float | None = None) -> None:
    """Be the only run in this folder until the process ends.

    A run on this machine is seen at once to have been killed; one on another after its period.

    Raises:
        UserError: there is another.
    """
    lease = Lease(path, period)
    first = None
    while not lease.take():
        holder = lease.holder()
        if holder is None:
            continue
        if first is None and not holder.here:
            _say(f"the run of {holder}: looking whether it is still at work")
        first = first or holder
        if (holder.here and not holder.ended()) or holder != first:
            raise UserError(
                f"another snakemake is at work in {Path.cwd()} ({holder}); "
                "wait for it to end, or stop it"
            )
        time.sleep(lease.owner.period / BEATS / 4)
    atexit.register(lease.release)


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)

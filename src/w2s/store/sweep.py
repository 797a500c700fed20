"""Leases of nodes that nobody holds any more."""

from __future__ import annotations

from w2s.store.folders import STORE
from w2s.store.lease import PERIOD, Lease
from w2s.store.owner import Owner


def sweep_leases() -> tuple[list[str], list[tuple[str, Owner]]]:
    """Remove the leases whose holders are known to have ended, and what they left half done.

    Each is taken over and given back, as the next builder would, so that no one who is about to
    take it is disturbed.  Returns names of the removed, and the others with who holds them; of a
    holder on another machine nothing is known without waiting for its period.
    """
    folder, swept, held = STORE / ".leases", [], []
    for name in sorted({path.name.partition(".")[0] for path in folder.glob("*")}):
        holder = Owner.read(folder / name, PERIOD)
        if holder is not None and not holder.ended():
            held.append((name, holder))
            continue
        lease = Lease(folder / name)
        if lease.take():
            lease.release()
            swept.append(name)
        elif (now := lease.holder()) is not None:
            held.append((name, now))
    return swept, held

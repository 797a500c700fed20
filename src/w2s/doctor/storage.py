"""Where results lie: names that appear at once, room, clocks, and leases of the dead."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from w2s.doctor.finding import Finding, failed, passed, warned
from w2s.run.outlook import size
from w2s.store.folders import STORE
from w2s.store.sweep import sweep_leases

MOUNTS = Path("/proc/self/mounts")
SHARED = ("nfs", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "pvfs", "orangefs", "wekafs")
SHARED += ("smb", "cifs", "9p", "afs", "fuse.glusterfs", "fuse.sshfs", "panfs", "vast")
SKEW = 2.0  # seconds between the clocks of this machine and of the file system
ROOM = 1.2  # times the estimate, which does not count small files and training states


def check_storage(need: float, cluster: bool) -> Iterator[Finding]:
    """What the folder of results is like.

    need: bytes that the study will still write.  cluster: jobs run on other machines.
    """
    folder = existing(STORE)
    yield from _names(folder)
    if cluster:
        yield _shared(folder)
    yield _disk(folder, need)
    yield from _clock(folder)
    yield from _leases()


def existing(path: Path) -> Path:
    """The path, or what there is of it."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def _names(folder: Path) -> Iterator[Finding]:
    """Whether links and renames are what leases and publishing rest on."""
    about = "store"
    try:
        with tempfile.TemporaryDirectory(prefix=".w2s-doctor-", dir=folder) as name:
            wrong = broken_promise(Path(name))
    except OSError as error:
        yield failed(about, f"nothing can be written in {folder} ({error.strerror})", "mend that")
        return
    if wrong:
        fix = "have results/ on a file system with hard links and atomic renames (ext4, NFS, ...)"
        yield failed(about, f"{folder}: {wrong}", fix)
    else:
        yield passed(about, f"links and renames in {folder} work as results and leases need")


def broken_promise(folder: Path) -> str:
    """What this file system does not keep of what the store rests on; empty if it keeps all."""
    one, other = folder / "one", folder / "other"
    one.write_text("1")
    other.write_text("2")
    try:
        os.link(one, folder / "link")
    except OSError as error:
        return f"no hard links ({error.strerror})"
    try:
        os.link(other, folder / "link")
        return "a hard link replaces an existing name"
    except FileExistsError:
        pass
    os.replace(other, folder / "link")
    if (folder / "link").read_text() != "2" or one.read_text() != "1":
        return "a rename does not replace a name in one step"
    for name in ("new", "empty", "full"):
        (folder / name).mkdir()
    (folder / "full" / "file").touch()
    os.rename(folder / "new", folder / "empty")
    try:
        os.rename(folder / "empty", folder / "full")
    except OSError:
        return ""
    return "a rename replaces a folder that holds files"


def _shared(folder: Path) -> Finding:
    """Whether other machines see the folder, by the kind of its file system."""
    about, kind = "shared files", file_system(folder)
    if kind.startswith(SHARED):
        return passed(about, f"{folder} is on {kind}")
    return warned(
        about,
        f"{folder} is on {kind or 'an unknown file system'}, which machines do not share as a rule",
        "work in a folder that the nodes of the cluster see under the same path",
    )


def file_system(path: Path) -> str:
    """The kind of file system that a path is on; empty where the system does not say."""
    if not MOUNTS.exists():
        return ""
    here, found = path.resolve(), ("", "")
    for line in MOUNTS.read_text().splitlines():
        _, where, kind, *_ = line.split()
        where = where.replace("\\040", " ")
        if here.is_relative_to(where) and len(where) >= len(found[0]):
            found = where, kind
    return found[1]


def _disk(folder: Path, need: float) -> Finding:
    free = shutil.disk_usage(folder).free
    said = f"{size(free)} free in {folder}, the study will write about {size(need)}"
    fix = "make room, or make results a link to a folder on a larger disk"
    if free < need:
        return failed("disk", said, fix)
    if free < ROOM * need:
        return warned("disk", said, fix)
    return passed("disk", said)


def _clock(folder: Path) -> Iterator[Finding]:
    """A file server may date files by its own clock; Snakemake compares those of what it writes."""
    with tempfile.NamedTemporaryFile(prefix=".w2s-doctor-", dir=folder) as file:
        file.write(b"1")
        file.flush()
        off = os.stat(file.name).st_mtime - time.time()
    if abs(off) > SKEW:
        said = f"the file system's clock differs from this machine's by {off:+.1f} s"
        yield warned("clock", said, "set both by NTP, or tables may be drawn once more than needed")
    else:
        yield passed("clock", f"the file system's is this machine's within {SKEW:.0f} s")


def _leases() -> Iterator[Finding]:
    swept, others = sweep_leases()
    held = [f"{name} by {owner}" for name, owner in others if owner.here]
    far = [f"{name} by {owner}" for name, owner in others if not owner.here]
    said = f"{len(swept)} of processes that ended were removed, {len(held)} are in use here"
    if far:
        yield warned(
            "leases",
            f"{said}, {len(far)} on other machines: {'; '.join(far[:3])}",
            "nothing, if jobs run there; else the next run takes them over when no sign has come "
            "for as long as each states",
        )
    else:
        yield passed("leases", said)

"""The content-addressed store: `results/store/<kind>/<key>/`, published by rename, verified.

A node's directory holds its files and `manifest.json`, which lists size, MD5 and SHA-256 of each.
The directory appears by one rename, so it is whole or absent; readers verify it before use.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from w2s.errors import UserError
from w2s.files import digests, sha256, write_text

STORE = Path("results/store")
MANIFEST = "manifest.json"


def node_dir(kind: str, key: str) -> Path:
    """Directory of a node."""
    return STORE / kind / key


def manifest_path(kind: str, key: str) -> Path:
    """The file whose presence means that the node is there."""
    return node_dir(kind, key) / MANIFEST


def present(kind: str, key: str) -> bool:
    """Whether a node has been published (not: whether it is intact)."""
    return manifest_path(kind, key).exists()


def read_manifest(kind: str, key: str) -> dict:
    """The manifest of a published node.

    Raises:
        Damaged: it cannot be read, or is not this node's.
    """
    return _manifest_in(node_dir(kind, key), kind, key)


def _manifest_in(folder: Path, kind: str, key: str) -> dict:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise Damaged(kind, key, f"its manifest cannot be read ({error})") from None
    if not isinstance(manifest, dict) or not _lists_files(manifest.get("files")):
        raise Damaged(kind, key, "its manifest lists no files")
    if (manifest.get("kind"), manifest.get("key")) != (kind, key):
        raise Damaged(kind, key, "its manifest is that of another node")
    return manifest


def _lists_files(files) -> bool:
    return isinstance(files, dict) and all(
        isinstance(told, dict) and "sha256" in told for told in files.values()
    )


class Damaged(Exception):
    """A published node whose files are not what its manifest says."""

    def __init__(self, kind: str, key: str, why: str):
        super().__init__(f"{node_dir(kind, key)} is damaged: {why}")
        self.kind, self.key, self.why = kind, key, why


def files_of(folder: Path) -> dict[str, Path]:
    """Every file below a node's folder, the manifest excepted, by relative name."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p != folder / MANIFEST)
    return {p.relative_to(folder).as_posix(): p for p in files}


def verify(kind: str, key: str) -> Path:
    """Directory of a node whose every file has been checked.

    Raises:
        Damaged: a file is missing, altered or was never declared.
    """
    return verify_folder(node_dir(kind, key), kind, key)


def verify_folder(folder: Path, kind: str, key: str) -> Path:
    """That folder, whose every file has been checked to be what a node of this name has.

    Raises:
        Damaged: a file is missing, altered or was never declared.
    """
    wanted, found = _manifest_in(folder, kind, key)["files"], files_of(folder)
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            raise Damaged(kind, key, f"{name} is missing")
        if name not in wanted:
            raise Damaged(kind, key, f"{name} does not belong to it")
        if sha256(found[name]) != wanted[name]["sha256"]:
            raise Damaged(kind, key, f"{name} does not have the recorded checksum")
    return folder


def lease_path(kind: str, key: str) -> Path:
    """The lease that whoever builds a node holds."""
    return STORE / ".leases" / f"{kind}-{key}"


def told_path(kind: str, name: str) -> Path:
    """The file in which whoever makes a node, or publishes a group, says how that goes."""
    return STORE / ".jobs" / f"{kind}-{name.replace('/', '+')}.json"


def scratch_dir(kind: str, key: str, owner: str = "") -> Path:
    """A new empty directory for building a node; on the store's own file system.

    owner: tells this build from one that was suspended and still believes to hold the lease.
    Removes what earlier builds of the same node left; the caller holds the node's lease.
    """
    folder = STORE / ".scratch"
    for left in folder.glob(f"{kind}-{key}*"):
        shutil.rmtree(left, ignore_errors=True)
    scratch = folder / f"{kind}-{key}{owner and '.'}{owner}"
    scratch.mkdir(parents=True)
    return scratch


def publish(
    scratch: Path, kind: str, key: str, facts: dict, allowed: Callable[[], None] = lambda: None
) -> Path:
    """Write the manifest and put the finished directory in its place.

    Whoever comes second to the same node keeps the first one's result: it is the same.
    allowed: called at the last moment; what it raises keeps the directory from being published.
    """
    files = {name: digests(path) for name, path in files_of(scratch).items()}
    text = json.dumps({"kind": kind, "key": key, **facts, "files": files}, indent=1)
    write_text(scratch / MANIFEST, text + "\n", durable=True)
    target = node_dir(kind, key)
    target.parent.mkdir(parents=True, exist_ok=True)
    allowed()
    try:
        scratch.rename(target)  # replaces an empty directory, never a filled one
    except OSError:
        if not present(kind, key):
            set_aside(kind, key)
            scratch.rename(target)
        else:
            shutil.rmtree(scratch)
    return target


def set_aside(kind: str, key: str) -> Path:
    """Move a damaged node out of the store's way; it is kept for a look, never read again."""
    folder = STORE / ".damaged"
    folder.mkdir(parents=True, exist_ok=True)
    numbers = (folder / f"{kind}-{key}-{i}" for i in range(10**6))
    place = next(p for p in numbers if not p.exists())
    node_dir(kind, key).rename(place)
    return place


def verified_or_set_aside(kind: str, key: str) -> Path:
    """Directory of an intact node.

    Raises:
        UserError: it is absent, or was damaged: then it is out of the way now, and the same
            command makes it anew.
    """
    if not node_dir(kind, key).exists():
        raise UserError(f"{node_dir(kind, key)} is not in the store; snakemake builds it")
    try:
        return verify(kind, key)
    except Damaged as damage:
        place = set_aside(kind, key)
        raise UserError(
            f"{damage}; it was moved to {place}, and the same command computes it anew"
        ) from None


def remove(kind: str, key: str) -> None:
    """Forget a node: by one rename first, so that no half of it can be taken for whole."""
    grave = STORE / ".scratch" / f"removed-{kind}-{key}-{os.getpid()}"
    grave.parent.mkdir(parents=True, exist_ok=True)
    node_dir(kind, key).rename(grave)
    shutil.rmtree(grave)


def kind_of(key: str) -> str:
    """The kind of a node that is in the store.

    Raises:
        UserError: there is no node with this key.
    """
    for manifest in STORE.glob(f"*/{key}/{MANIFEST}"):
        return manifest.parent.parent.name
    raise UserError(f"the store has no node {key}; run the command that publishes what rests on it")

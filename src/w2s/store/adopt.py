"""Taking into the store a node made elsewhere, and remembering what is not to come back."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from w2s.store.folders import (
    MANIFEST,
    STORE,
    lease_path,
    node_dir,
    present,
    scratch_dir,
    verify_folder,
)
from w2s.store.lease import held

FORGOTTEN = STORE / ".forgotten"  # an empty file per manifest, by its MD5


def forget_manifest(kind: str, key: str) -> None:
    """Remember that this very node was removed on purpose: its bytes are not adopted again."""
    path = node_dir(kind, key) / MANIFEST
    FORGOTTEN.mkdir(parents=True, exist_ok=True)
    (FORGOTTEN / _md5(path)).touch()


def forgotten(md5: str) -> bool:
    """Whether the node with this manifest was removed on purpose."""
    return (FORGOTTEN / md5).exists()


def adopt(kind: str, key: str, files: dict[str, Path]) -> bool:
    """Publish a node whose files, its manifest among them, lie on this machine; links them.

    Returns whether it did: a node that was forgotten, or is here by now, is not taken.

    Raises:
        Damaged: they are not what the manifest says; nothing is published.
    """
    if forgotten(_md5(files[MANIFEST])):
        return False
    with held(lease_path(kind, key), done=lambda: present(kind, key)) as lease:
        if lease is None:
            return False
        scratch = scratch_dir(kind, key)
        try:
            for name, path in files.items():
                (scratch / name).parent.mkdir(parents=True, exist_ok=True)
                _link_or_copy(path.resolve(), scratch / name)
            verify_folder(scratch, kind, key)
            node_dir(kind, key).parent.mkdir(parents=True, exist_ok=True)
            scratch.rename(node_dir(kind, key))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return True


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()

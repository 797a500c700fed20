"""Files that are whole or absent: written beside their place, then renamed; and their hashes."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOST = socket.gethostname().partition(".")[0]


@contextmanager
def replacing(path: Path, durable: bool = False) -> Iterator[Path]:
    """A path beside `path` to write to; renamed onto it if the block ends without an error.

    Several writers may be at it: each writes a file of its own, and the last one's stays.
    Folders that are missing are made.  durable: the disk has the content before the name does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in _left_behind(path):
        left.unlink(missing_ok=True)
    scratch = path.with_name(f".{path.name}.{HOST}+{os.getpid()}.tmp")
    try:
        yield scratch
        if durable:
            with scratch.open("rb") as file:
                os.fsync(file.fileno())
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def write_text(path: Path, text: str, durable: bool = False) -> None:
    """Write UTF-8 text whole or not at all, with the same line ends on every system."""
    with replacing(path, durable) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content) -> None:
    """Write a value as JSON, an entry per line, whole or not at all."""
    write_text(path, json.dumps(content, indent=1) + "\n")


def sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(path: Path) -> dict:
    """Size in bytes, MD5 (which DVC names files by) and SHA-256 of a file, from one reading."""
    md5, sha, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            md5.update(block)
            sha.update(block)
            size += len(block)
    return {"size": size, "md5": md5.hexdigest(), "sha256": sha.hexdigest()}


def _left_behind(path: Path) -> Iterator[Path]:
    """What writers of this machine left that were killed."""
    start = f".{path.name}.{HOST}+"  # no host's name has a plus
    for left in path.parent.glob(f"{glob.escape(start)}*.tmp"):
        if not _alive(int(left.name.removeprefix(start).removesuffix(".tmp"))):
            yield left


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True

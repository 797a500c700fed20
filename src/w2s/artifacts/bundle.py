"""Bundles: the nodes of the present plan, linked from the store, which are DVC's outs.

The store has every node ever made here, and DVC deletes in a directory out whatever its record does
not name; so the store itself is never an out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from w2s.artifacts.cache import Cache
from w2s.artifacts.stages import BUNDLES
from w2s.files import digests, write_json
from w2s.plan.nodes import Node
from w2s.store.folders import MANIFEST, node_dir, read_manifest, verified_or_set_aside

SEEN = Path(".w2s/bundled")

# Of each file of a node: MD5, and size, modification time and inode at its verification.
State = dict[str, list]


def bundle(stage: str, nodes: Iterable[Node], cache: Cache) -> int:
    """Have results/study/<stage> hold exactly these nodes; returns how many files were placed.

    A node is verified before its files get there; one whose files are as they were then, by size,
    modification time and inode, is not read again.

    Raises:
        UserError: a node is absent or damaged; a damaged one is set aside.
    """
    root, seen, now, placed = BUNDLES / stage, _read_seen(stage), {}, 0
    with cache.locked():
        for node in nodes:
            name = f"{node.kind}/{node.key}"
            state = seen.get(name)
            if state is None or not _as_verified(node, state, cache):
                state = _put(node, cache)
            now[name] = state
            for file, (md5, *_) in state.items():
                if not cache.shows(md5, root / name / file):
                    cache.place(md5, root / name / file)
                    placed += 1
    _drop_others(root, {f"{name}/{file}" for name, state in now.items() for file in state})
    write_json(SEEN / f"{stage}.json", now)
    return placed


def _put(node: Node, cache: Cache) -> State:
    """Verify a node and have the cache hold its files."""
    folder = verified_or_set_aside(node.kind, node.key)
    files = read_manifest(node.kind, node.key)["files"] | {MANIFEST: digests(folder / MANIFEST)}
    for file, told in files.items():
        cache.put(folder / file, told)
    return {file: [told["md5"], *_stat(folder / file)] for file, told in files.items()}


def _as_verified(node: Node, state: State, cache: Cache) -> bool:
    folder = node_dir(node.kind, node.key)
    try:
        return all(
            _stat(folder / file) == known and cache.object(md5).exists()
            for file, (md5, *known) in state.items()
        )
    except FileNotFoundError:
        return False


def _stat(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]


def _read_seen(stage: str) -> dict[str, State]:
    try:
        return json.loads((SEEN / f"{stage}.json").read_text())
    except FileNotFoundError:
        return {}


def _drop_others(root: Path, wanted: set[str]) -> None:
    """Remove what does not belong to the bundle, and the folders that this leaves empty."""
    for place, _, files in os.walk(root, topdown=False):
        folder = Path(place)
        for file in files:
            if (folder / file).relative_to(root).as_posix() not in wanted:
                (folder / file).unlink()
        if folder != root and not any(folder.iterdir()):
            folder.rmdir()

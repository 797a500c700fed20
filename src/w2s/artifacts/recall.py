"""Recall: absent nodes come back from bundles, from DVC's cache or from its remote, verified."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from w2s.artifacts.cache import Cache
from w2s.artifacts.stages import BUNDLES, STAGES, bundle_folder
from w2s.files import digests
from w2s.plan.nodes import Node
from w2s.store.adopt import adopt, forgotten
from w2s.store.folders import MANIFEST, Damaged, files_of, present

LOCK = "dvc.lock"
REVISIONS = ("HEAD", "MERGE_HEAD")


def adopt_bundled(nodes: Iterable[Node]) -> int:
    """Take into the store what `dvc pull` has put under results/study; returns how many nodes.

    A damaged one is named and left where it is: its node is made as if it were not there.
    """
    if not BUNDLES.exists():
        return 0
    adopted = 0
    for node in nodes:
        folder = bundle_folder(node)
        if not (folder / MANIFEST).exists():
            continue
        try:
            adopted += adopt(node.kind, node.key, files_of(folder) | {MANIFEST: folder / MANIFEST})
        except Damaged as damage:
            print(f"w2s: {folder} is not used: {damage.why}", file=sys.stderr)
    return adopted


def recall(nodes: Iterable[Node], cache: Cache, revisions: Iterable[str] = REVISIONS) -> int:
    """Take into the store what dvc.lock, here or in these revisions, names; returns how many nodes.

    Objects that the cache lacks are fetched from the default remote, if there is one.  A damaged
    object is named and removed from the cache, and fetched once more.
    """
    absent = [node for node in nodes if not present(node.kind, node.key)]
    if not absent:
        return 0
    recorded = _recorded(cache, revisions)
    wanted = {
        (node.kind, node.key): files
        for node in absent
        if MANIFEST in (files := recorded.get(f"{node.kind}/{node.key}", {}))
        and not forgotten(files[MANIFEST])
    }
    recalled = 0
    for _ in range(2):  # once more for what turns out damaged in the cache
        cache.fetch({md5 for files in wanted.values() for md5 in files.values()})
        damaged = {}
        for (kind, key), files in wanted.items():
            places = {name: cache.object(md5) for name, md5 in files.items()}
            if not all(place.exists() for place in places.values()):
                continue
            try:
                recalled += adopt(kind, key, places)
            except Damaged:
                _remove_damaged(files.values(), cache)
                damaged[kind, key] = files
        wanted = damaged
    return recalled


def _recorded(cache: Cache, revisions: Iterable[str]) -> dict[str, dict[str, str]]:
    """Of each recorded node, by kind/key, the MD5 of each file; what is here comes first."""
    found: dict[str, dict[str, str]] = {}
    for text in _locks(revisions):
        stages = (yaml.safe_load(text) or {}).get("stages", {})
        outs = [out for stage in STAGES for out in stages.get(stage, {}).get("outs", [])]
        cache.fetch({out["md5"] for out in outs})
        for out in outs:
            listing = cache.object(out["md5"])
            if listing.exists():
                for name, files in _by_node(json.loads(listing.read_text())).items():
                    found.setdefault(name, files)
    return found


def _by_node(listing: list[dict]) -> dict[str, dict[str, str]]:
    nodes: dict[str, dict[str, str]] = {}
    for entry in listing:
        kind, key, file = entry["relpath"].split("/", 2)
        nodes.setdefault(f"{kind}/{key}", {})[file] = entry["md5"]
    return nodes


def _locks(revisions: Iterable[str]) -> Iterator[str]:
    """The texts of dvc.lock: this folder's, then those of the revisions that have one."""
    if Path(LOCK).exists():
        yield Path(LOCK).read_text()
    for revision in revisions:
        shown = subprocess.run(
            ["git", "show", f"{revision}:./{LOCK}"], capture_output=True, text=True
        )
        if shown.returncode == 0:
            yield shown.stdout


def _remove_damaged(md5s: Iterable[str], cache: Cache) -> None:
    for md5 in md5s:
        place = cache.object(md5)
        if place.exists() and digests(place)["md5"] != md5:
            print(f"w2s: {place} was damaged and is removed from DVC's cache", file=sys.stderr)
            place.unlink()

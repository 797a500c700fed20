"""Data sets, weights and captions that the study names by path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from w2s.doctor.finding import Finding, failed, passed, warned
from w2s.params.parts import Study
from w2s.plan.plan import Plan
from w2s.run.fetch import WRONG, known_as, paths_of, state_of
from w2s.run.outlook import UNITS, size
from w2s.store.folders import present

ABOUT = "file"
WHOLE = 0.5  # of the usual size, below which a download has probably stopped halfway


def check_files(study: Study, planned: Plan) -> Iterator[Finding]:
    """A finding for each path that the study names."""
    reads = {
        node.local["path"]: present(node.kind, node.key)
        for node in planned.nodes.values()
        if "path" in node.local
    }
    for path in paths_of(study):
        yield _file(path, taken_in=reads.get(path), needed=path in reads)


def _file(path: str, taken_in: bool | None, needed: bool) -> Finding:
    place, known = Path(path), known_as(path)
    if not place.exists():
        fix = f"put it there; from {known['source']}" if known else "put it there"
        if taken_in:
            return passed(ABOUT, f"{path}: not there, but its node is in the store")
        if needed:
            return failed(ABOUT, f"{path}: not there", fix)
        return warned(ABOUT, f"{path}: not there; scores that need it are left out", fix)
    bytes_here, state = size_of(place), state_of(place, known)
    said = f"{path}: {state}; {size(bytes_here)}"
    if state == WRONG:
        return failed(ABOUT, said, "get it again")
    if bytes_here < WHOLE * usual_size(known):
        return warned(ABOUT, f"{said}, where about {known['size']} is usual", "is it complete?")
    return passed(ABOUT, said)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files below a folder."""
    files = [path] if path.is_file() else (file for file in path.rglob("*") if file.is_file())
    return sum(file.stat().st_size for file in files)


def usual_size(known: Mapping | None) -> float:
    """Bytes of the size that is commonly stated; 0 where none is."""
    if known is None:
        return 0.0
    number, unit = known["size"].partition(",")[0].split()
    return float(number) * {name: factor for factor, name in UNITS}[unit]

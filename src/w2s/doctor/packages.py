"""Python and the packages that the lock names."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.markers import Marker

from w2s.doctor.finding import Finding, failed, passed, warned

LOCK = Path(__file__).parents[3] / "requirements" / "lock.txt"
PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)(?:\s*;\s*([^\\\n]+))?", re.M)
OLDEST = (3, 11)
INSTALL = "run `sh requirements/install.sh`"
NAMED = 5  # packages at most


def check_packages(lock: Path = LOCK) -> list[Finding]:
    """Whether Python is new enough and what the lock asks for is installed."""
    return [_python(), *_locked(lock)]


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        return failed("python", version, f"use Python {wanted} or newer")
    return passed("python", version)


def _locked(lock: Path) -> Iterator[Finding]:
    if not lock.exists():
        yield warned("packages", f"{lock} is not there to compare with", "work in a clone of it")
        return
    pins = list(pins_of(lock.read_text(encoding="utf-8")))
    found = {name: _installed(name) for name, _ in pins}
    absent = [name for name, _ in pins if found[name] is None]
    other = [
        f"{name} {found[name]} instead of {version}"
        for name, version in pins
        if found[name] not in (None, version)
    ]
    if absent:
        yield failed("packages", f"not installed: {_some(absent)}", INSTALL)
    if other:
        yield warned("packages", f"not as locked: {_some(other)}", f"{INSTALL}; digits may differ")
    if not absent and not other:
        yield passed("packages", f"all {len(pins)} as locked")


def pins_of(text: str) -> Iterator[tuple[str, str]]:
    """Name and version of what a lock wants on this system."""
    for name, version, marker in PIN.findall(text):
        if not marker or Marker(marker.strip()).evaluate():
            yield name, version


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

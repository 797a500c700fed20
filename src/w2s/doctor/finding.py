"""What a check finds, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

PASS, WARN, FAIL = "pass", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    level: str  # pass, warn: it runs, but look at it; or fail: it will not run, or not to its end
    about: str  # what was looked at
    what: str  # what was found
    fix: str = ""  # what to do, unless it passed


def passed(about: str, what: str) -> Finding:
    """All is well."""
    return Finding(PASS, about, what)


def warned(about: str, what: str, fix: str) -> Finding:
    """The study runs, but something is worth a look."""
    return Finding(WARN, about, what, fix)


def failed(about: str, what: str, fix: str) -> Finding:
    """The study will not run."""
    return Finding(FAIL, about, what, fix)


def fails(findings: Sequence[Finding]) -> int:
    """How many of them fail."""
    return sum(finding.level == FAIL for finding in findings)


def as_table(findings: Sequence[Finding]) -> str:
    """A line for each, its fix below it, and a sentence at the end."""
    width = max(len(finding.about) for finding in findings)
    lines = []
    for one in findings:
        lines.append(f"{one.level}  {one.about:<{width}}  {one.what}")
        if one.fix:
            lines.append(f"{'':{6 + width}}  fix: {one.fix}")
    count = fails(findings)
    verdict = f"{count} of {len(findings)} checks fail" if count else "the study can run here"
    return "\n".join([*lines, "", verdict])


def as_json(findings: Sequence[Finding]) -> dict:
    """The same for programs."""
    return {"fails": fails(findings), "findings": [asdict(finding) for finding in findings]}

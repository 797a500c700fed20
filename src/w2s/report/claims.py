"""Claims of papers judged by the study's own cells: results/claims.json and results/claims.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from w2s.files import write_text
from w2s.metrics.intervals import INSIDE, Source, interval_over, paired
from w2s.metrics.significance import holm_level, p_value
from w2s.params.claims import Claim
from w2s.plan.facts import RowFacts, TableFacts
from w2s.plan.published import Group
from w2s.report.cells import COUNTED, UNAVAILABLE, units
from w2s.report.claims_page import claims_page
from w2s.report.files import write_json
from w2s.report.rows import cell_of
from w2s.store import folders

SEEN, NOT_SEEN, OPPOSITE = "seen", "not seen", "opposite here"


def publish_claims(group: Group) -> None:
    """Every claim with its difference, intervals and verdict, as JSON and as a page."""
    tables = {name: TableFacts(**table) for name, table in group.facts["tables"].items()}
    rows = {name: RowFacts(**row) for name, row in group.facts["rows"].items()}

    def cell(row: str, column: str) -> dict:
        return cell_of(tables[row.split("/")[0]], rows[row], column)

    families = []
    for facts in group.facts["families"]:
        claims = {name: Claim.model_validate(claim) for name, claim in map(_named, facts["claims"])}
        cells = {
            name: [cell(row, claim.column) for row in claim.rows.values()]
            for name, claim in claims.items()
        }
        families.append(
            {"part": facts["part"], "dataset": facts["dataset"], **judged(claims, cells)}
        )
    nodes = [(folders.kind_of(key), key) for key in group.needs]
    said = {"scale": group.facts["scale"], "families": families, "unasked": group.facts["unasked"]}
    for path in map(Path, group.paths):
        if path.suffix == ".json":
            write_json(path, group.key, said | {"nodes": [list(node) for node in nodes]})
        else:
            write_text(path, claims_page(group.key, said))


def _named(claim: dict) -> tuple[str, dict]:
    """A claim's name, and the rest of it."""
    return claim["name"], {key: value for key, value in claim.items() if key != "name"}


def judged(claims: dict[str, Claim], cells: dict[str, list[dict]]) -> dict:
    """A family of claims with their verdicts, corrected for their number.

    cells: of each claim that of its row and, if it has one, that of the row it is compared with.

    Returns {"inside": the level of the corrected intervals, "claims": a dict for each}.
    """
    found = {name: compared(cells[name]) for name in claims}
    p_values = {name: found[name].p(claim.bound) for name, claim in claims.items()}
    inside = holm_level(p_values.values())
    return {
        "inside": inside,
        "claims": [
            {
                "name": name,
                **claim.model_dump(),
                "labels": [cell["label"] for cell in cells[name]],
                "value": found[name].value,
                "interval": found[name].interval(INSIDE),
                "corrected": found[name].interval(inside),
                "p": p_values[name],
                "n": len(found[name].values),
                "over": found[name].over,
                "covers": found[name].covers,
                "verdict": verdict(claim, found[name].interval(inside)),
            }
            for name, claim in claims.items()
        ],
    }


def verdict(claim: Claim, interval: list[float] | None) -> str:
    """What an interval of the row's number, or of its difference, says of a claim.

    A bound may be met exactly; a difference of 0 is neither lower nor higher.
    """
    if interval is None:
        return UNAVAILABLE
    low, high, bound = *interval, claim.bound
    if not claim.lower:
        low, high, bound = -high, -low, -bound
    if high < bound or (claim.against is None and high == bound):
        return SEEN
    return OPPOSITE if low > bound else NOT_SEEN


@dataclass(frozen=True)
class Compared:
    """The number that a claim is judged by."""

    value: float | None  # None: not available
    covers: str  # what its interval covers, or why there is none
    values: list[float]  # that the interval is taken over; none of a counted number
    over: Source | None = None

    def interval(self, inside: float) -> list[float] | None:
        """Its ends; those of a counted number are the number, and one value has none."""
        if self.value is None:
            return None
        if not self.values:
            return [self.value, self.value]
        interval = interval_over(self.values, self.over, inside)
        return None if interval.low is None else [interval.low, interval.high]

    def p(self, at: float) -> float:
        """Its p value in Holm's procedure: 0 of a counted number, 1 of what is not available.

        So every claim of a file counts, whatever of it can be measured.
        """
        if self.value is None:
            return 1.0
        return p_value(self.values, self.over, at) if self.values else 0.0


def compared(cells: list[dict]) -> Compared:
    """The number of one cell, or the difference of the first of two from the second.

    Raises ValueError where their seeds or prompts differ, so that they cannot be paired.
    """
    if lacking := [cell for cell in cells if cell["value"] is None]:
        return Compared(None, lacking[0].get("unavailable", UNAVAILABLE), [])
    value = cells[0]["value"] - sum(cell["value"] for cell in cells[1:])
    if cells[0]["covers"] == COUNTED:
        return Compared(value, COUNTED, [])
    (values, over), *others = map(units, cells)
    kept = paired(values, others[0][0], over) if others else list(values.values())
    return Compared(value, cells[0]["covers"], kept, over)

"""docs/reading-the-claims.md says nothing that its own numbers do not."""

import math
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from w2s.metrics.intervals import RESAMPLES, probability_inside, t_quantile
from w2s.params.claims import Claim
from w2s.params.files import read_yaml
from w2s.report.claims_page import claims_page, number_text
from w2s.report.text import markdown

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "reading-the-claims.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
SIDES = {"<": -1, ">": 1, "≤": -1, "≥": 1}
LEAST = 2 / RESAMPLES


class Line(NamedTuple):
    """A claim as the page shows it."""

    side: int  # -1: said to be below the bound, 1: above
    bound: float
    interval: list[float] | None
    corrected: list[float] | None
    inside: float  # level of the corrected interval
    n: int
    unit: str
    p: float | None  # at most this
    value: float | None
    verdict: str


def numbers(cell: str) -> list[float] | None:
    found = re.findall(r"[−+]?\d[\d.]*(?:e[−+]?\d+)?", cell)
    return [float(number.replace("−", "-")) for number in found] or None


def families(page: str) -> list[list[Line]]:
    """The tables of a page."""
    return [
        [_line(row, level) for row in rows.strip().splitlines()[1:]]
        for level, rows in re.findall(r"\| corrected, ([\d.]+) % .*\n((?:\|.*\n)+)", page)
    ]


def _line(row: str, level: str) -> Line:
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    sign, bound = cells[3].split()
    n, _, unit = cells[7].partition(" ")
    return Line(
        side=SIDES[sign],
        bound=float(bound.replace("−", "-")),
        interval=numbers(cells[5]),
        corrected=numbers(cells[6]),
        inside=float(level) / 100,
        n=int(n) if unit else 0,
        unit=unit,
        p=numbers(cells[8])[0] if unit else None,
        value=(numbers(cells[4]) or [None])[0],
        verdict=cells[9],
    )


LINES = [line for family in families(PAGE) for line in family]
ESTIMATED = [line for line in LINES if line.interval]


def on_the_side(line: Line, low: float, high: float) -> str:
    """What an interval says."""
    if line.side > 0:
        low, high = -high, -low
    bound = -line.side * line.bound
    return "seen" if high < bound else "opposite here" if low > bound else "not seen"


def test_there_are_claims():
    assert len(ESTIMATED) > 10
    assert all(len(line) == len(Line._fields) for line in LINES)


def test_verdicts_follow_from_the_corrected_intervals():
    for line in ESTIMATED:
        assert line.verdict == on_the_side(line, *line.corrected), line


def test_counted_numbers_are_judged_as_they_are():
    for line in LINES:
        if line.value is not None and not line.interval:
            met = line.side * line.value >= line.side * line.bound
            assert line.verdict == ("seen" if met else "opposite here")


def test_verdicts_are_those_of_holms_procedure_on_the_p_values():
    for family in families(PAGE):
        p_values = [line.p if line.p is not None else float(line.value is None) for line in family]
        order = sorted(range(len(family)), key=p_values.__getitem__)
        left = [p_values[place] * (len(family) - rank) for rank, place in enumerate(order)]
        stop = next((rank for rank, p in enumerate(left) if p > 0.05), len(family))
        assert family[0].inside == pytest.approx(1 - 0.05 / max(1, len(family) - stop), abs=1e-4)
        for rank, place in enumerate(order):
            assert (family[place].verdict in ("seen", "opposite here")) == (rank < stop)


def test_p_values_and_corrected_intervals_follow_from_the_plain_ones():
    for line in ESTIMATED:
        (low, high), (wide_low, wide_high) = line.interval, line.corrected
        assert wide_low <= low <= line.value <= high <= wide_high
        if line.unit != "seeds" or line.n < 2:
            continue
        freedom = line.n - 1
        half = (high - low) / 2
        wider = t_quantile(freedom, line.inside) / t_quantile(freedom)
        digit = 10 ** (math.floor(math.log10(max(abs(low), abs(high)))) - 2)  # the third and last
        rounding = digit / 2 * (1 + wider)  # of both intervals
        assert (wide_high - wide_low) / 2 == pytest.approx(half * wider, rel=0.05, abs=rounding)
        t = abs(line.value - line.bound) / half * t_quantile(freedom)
        p = 1 - probability_inside(math.atan(t / math.sqrt(freedom)), freedom)
        assert max(p, LEAST) == pytest.approx(line.p, rel=0.1, abs=2e-4)


def test_the_page_has_the_claims_that_are_shipped():
    """After a claim has changed: run the study, and copy results/claims.md there."""
    shipped = sorted((ROOT / "claims" / "mini").glob("*.yaml"))
    told = " ".join(PAGE.split())
    for file in shipped:
        if f"## Part {file.stem}," in PAGE:
            for claim in read_yaml(file)["claims"].values():
                one = Claim.model_validate(claim)
                assert markdown(one.sentence) in told
                assert all(f"`{row}`" in told for row in one.rows.values())


def test_the_readme_gives_intervals_and_verdicts_as_the_page_does():
    section = " ".join(README.split("## What is claimed")[1].split("\n## ")[0].split())
    quoted = re.findall(r"(\[[−+][^]]+\])[^[]*?(not seen|seen|opposite here)", section)
    assert len(quoted) == len(re.findall(r"\[[−+]", section)) > 5
    for interval, verdict in quoted:
        (line,) = (line for line in PAGE.splitlines() if f"| {interval} |" in line)
        assert line.endswith(f"| {verdict} |"), interval


def test_reading_a_page_finds_what_was_written():
    """These checks can fail: a page with a verdict turned round does not pass the first."""
    turned = PAGE.replace("| seen |", "| opposite here |", 1)
    assert turned != PAGE
    wrong = [
        line
        for family in families(turned)
        for line in family
        if line.interval and line.verdict != on_the_side(line, *line.corrected)
    ]
    assert len(wrong) == 1
    empty = claims_page("0" * 16, {"scale": "mini", "families": [], "unasked": {}})
    assert families(empty) == []
    assert numbers(f"[{number_text(-0.000123, True)}, {number_text(20.0, True)}]") == [-1.23e-4, 20]

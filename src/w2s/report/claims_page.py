"""The page of claims as Markdown: how it is read, their tables, and where each is from."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill

from w2s.metrics.intervals import RESAMPLES, unit_of
from w2s.report.columns import COLUMNS
from w2s.report.formats import MISSING
from w2s.report.text import markdown, one_line

WIDTH = 100
LEAST = 2 / RESAMPLES  # smaller p values are written as below this
HEAD = """# Claims of the papers, and what these tables say of them

Written by `snakemake claims` as `results/claims.md`, from the claims in `claims/` and the
tables of the study at scale {scale}. What holds in it is said of that scale alone.

How to read it:

- A claim is one sentence that a paper makes, put as a number to be below or above another: the
  *difference* of two rows of the tables (the first less the second, paired: both are drawn from
  the same noise, so what they share cancels), or one row's own number and a bound.
- *95 %* is the plain interval of that number: Student's t over seeds (over training seeds where
  there are several), or percentiles of resamples of prompts; *n* is how many there are.
- Among many claims some would seem to be seen by luck. Holm's procedure (Scandinavian Journal of
  Statistics 6, 1979), on two-sided *p* values of the same t tests or resamples, keeps the chance
  that any verdict of a table is a false *seen* or *opposite here* within 5 %. It counts all claims
  of the table, also those that are counted, not estimated (p = 0), or not available (p = 1). The
  *corrected* interval, at the level in its head, leaves 0 (or the bound) out exactly where Holm's
  procedure rejects.
- The verdict follows from the corrected interval alone. *seen*: it lies on the side that the claim
  names. *opposite here*: it lies on the other side. *not seen*: it includes 0 or the bound, so
  these data tell neither. *not available*: a file that a score reads is not there, or there is one
  replicate and no interval.
- *seen* is no proof of a paper, nor *opposite here* a refutation: networks, data and weights are
  those of this scale; the last list says what stands for each claim here.
"""


def claims_page(key: str, said: dict) -> str:
    """The page of what `publish_claims` found, carrying the group's key."""
    parts = [f"<!-- w2s-key: {key} -->", HEAD.format(scale=said["scale"]).strip()]
    for family in said["families"]:
        parts += _family(family)
    for part, count in said["unasked"].items():
        parts.append(f"Left out, because the part {part} is not run: {count} claims.")
    return "\n\n".join(parts) + "\n"


def _family(family: dict) -> Iterator[str]:
    """Heading, table, what intervals are over, and the list of sources."""
    claims, level = family["claims"], 100 * family["inside"]
    yield f"## Part {family['part']}, data set {markdown(family['dataset'])}"
    head = ["#", "claim", "column", "claimed", "difference or number", "95 %"]
    head += [f"corrected, {level:.4g} %", "n", "p", "verdict"]
    lines = [head, ["---"] * len(head)]
    lines += [_line(number, claim) for number, claim in enumerate(claims, 1)]
    yield "\n".join(f"| {' | '.join(line)} |" for line in lines)
    covers = dict.fromkeys(claim["covers"] for claim in claims)
    yield fill(f"Numbers are: {markdown('; '.join(covers))}.", WIDTH)
    yield "Where each is from, and what stands for it here:"
    yield "\n".join(_source(number, claim) for number, claim in enumerate(claims, 1))


def _line(number: int, claim: dict) -> list[str]:
    """A claim's line of the table."""
    compared = claim["against"] is not None
    over, p = claim["over"], claim["p"]
    return [
        str(number),
        markdown(claim["sentence"]),
        COLUMNS[claim["column"]].heading,
        _claimed(claim),
        MISSING if claim["value"] is None else number_text(claim["value"], compared),
        *(_ends(claim[name], compared) if over else MISSING for name in ("interval", "corrected")),
        f"{claim['n']} {unit_of(over)}s" if over else MISSING,
        (f"{p:.4f}" if p >= LEAST else f"< {LEAST:.4f}") if over else MISSING,
        claim["verdict"],
    ]


def _claimed(claim: dict) -> str:
    """The side that a claim names, as in `< 0`."""
    if claim["against"] is not None:
        return {"lower": "< 0", "higher": "> 0"}[claim["direction"]]
    if claim["at_most"] is not None:
        return f"≤ {number_text(claim['at_most'])}"
    return f"≥ {number_text(claim['at_least'])}"


def number_text(number: float, signed: bool = False) -> str:
    """Three significant digits, so that no number but 0 is shown as 0."""
    text = f"{number:#.3g}".rstrip(".").replace("-", "−")
    return f"+{text}" if signed and number > 0 else text


def _ends(interval: list[float] | None, signed: bool) -> str:
    if interval is None:
        return MISSING
    return f"[{', '.join(number_text(end, signed) for end in interval)}]"


def _source(number: int, claim: dict) -> str:
    """Paper, place and setting of a claim, and the rows that it is over."""
    keys = [key for key in ("row", "against") if claim[key] is not None]
    rows = [
        f"{markdown(label)} (`{claim[key]}`)"
        for key, label in zip(keys, claim["labels"], strict=True)
    ]
    text = one_line(f"{claim['source']}. {claim['setting']} Here: {' less '.join(rows)}.")
    start = f"{number}. "
    return fill(
        text,
        WIDTH,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_on_hyphens=False,
    )

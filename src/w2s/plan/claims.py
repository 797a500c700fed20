"""The page of claims: one group of published files over the tables of all parts."""

from __future__ import annotations

from collections.abc import Iterator

from w2s.errors import UserError
from w2s.params.parts import Part, Study
from w2s.plan.plan import Plan
from w2s.plan.published import Group

NAME = "claims"
PATHS = ("results/claims.json", "results/claims.md")


def with_claims(study: Study, planned: Plan) -> Plan:
    """The plan of a study with the page of its claims, if it has any.

    Raises:
        UserError: a claim compares rows whose numbers cannot be paired; a line for each.
    """
    parts = [part for part in study.parts if part.claims]
    if mistakes := [what for part in parts for what in _unpaired(part, planned)]:
        raise UserError("\n".join(mistakes))
    if parts:
        planned.groups[NAME] = _group(study, parts, planned)
    return planned


def _group(study: Study, parts: list[Part], planned: Plan) -> Group:
    """The claims of these parts, with the facts of all tables and rows that they name."""
    families = [
        {
            "part": part.name,
            "dataset": part.data["name"],
            "claims": [
                {"name": name, **claim.model_dump()} for name, claim in part.claims.by_name.items()
            ],
        }
        for part in parts
    ]
    claims = [claim for part in parts for claim in part.claims.by_name.values()]
    named = dict.fromkeys(row for claim in claims for row in claim.rows.values())
    shown = {row: planned.groups[f"cells/{row}"].facts for row in named}
    return Group(
        name=NAME,
        paths=PATHS,
        needs=tuple(dict.fromkeys(k for facts in shown.values() for k in facts["row"]["measured"])),
        facts={
            "scale": study.scale,
            "families": families,
            "tables": {facts["table"]["name"]: facts["table"] for facts in shown.values()},
            "rows": {row: facts["row"] for row, facts in shown.items()},
            "unasked": study.unasked_claims,
        },
    )


def _unpaired(part: Part, planned: Plan) -> Iterator[str]:
    """A sentence for each claim that compares rows which share no noise."""
    for name, claim in part.claims.by_name.items():
        facts = {key: planned.groups[f"cells/{row}"].facts for key, row in claim.rows.items()}
        if len(facts) == 1:
            continue
        seeds = {key: fact["table"]["training_seeds"] for key, fact in facts.items()}
        if real := [key for key, fact in facts.items() if fact["row"]["real"]]:
            yield (
                f"{part.claims.where(name, real[0])}: real data share no noise with samples, so "
                "their difference is not paired; name a row of samples, or a bound without against"
            )
        elif seeds["row"] != seeds["against"]:
            yield (
                f"{part.claims.where(name, 'against')}: the intervals of '{claim.row}' and "
                f"'{claim.against}' are over other seeds; name rows that share them"
            )

"""Pages of claims: one group of published files over the tables of all parts, and one over those
that confirm what was tuned."""

from __future__ import annotations

from collections.abc import Iterator

from w2s.errors import UserError
from w2s.params.claims import Claim
from w2s.params.confirm import confirm_tables
from w2s.params.parts import Part, Study
from w2s.plan.plan import Plan
from w2s.plan.published import Group

NAME, CONFIRMED = "claims", "claims-confirm"


def with_claims(study: Study, planned: Plan, confirmed: bool = False) -> Plan:
    """The plan of a study with the page of its claims, if it has any.

    confirmed: the page of the claims over tables that confirm what was tuned, instead of others.

    Raises:
        UserError: a claim compares rows whose numbers cannot be paired; a line for each.
    """
    found = [(part, _claims(part, confirmed)) for part in study.parts if part.claims]
    claims = [(part, own) for part, own in found if own]
    if mistakes := [what for part, own in claims for what in _unpaired(part, own, planned)]:
        raise UserError("\n".join(mistakes))
    if claims:
        name = CONFIRMED if confirmed else NAME
        unasked = {} if confirmed else study.unasked_claims
        planned.groups[name] = _group(name, study.scale, claims, unasked, planned)
    return planned


def _claims(part: Part, confirmed: bool) -> dict[str, Claim]:
    """The claims of a part over the tables that confirm, or over its others."""
    tables = confirm_tables(part.params, part.own, part.adopted)
    return {
        name: claim
        for name, claim in part.claims.by_name.items()
        if (claim.row.split("/")[0] in tables) == confirmed
    }


def _group(
    group: str,
    scale: str,
    found: list[tuple[Part, dict[str, Claim]]],
    unasked: dict[str, int],
    planned: Plan,
) -> Group:
    """These claims of parts, with the facts of all tables and rows that they name."""
    families = [
        {
            "part": part.name,
            "dataset": part.data["name"],
            "claims": [{"name": name, **claim.model_dump()} for name, claim in own.items()],
        }
        for part, own in found
    ]
    claims = [claim for _, own in found for claim in own.values()]
    named = dict.fromkeys(row for claim in claims for row in claim.rows.values())
    shown = {row: planned.groups[f"cells/{row}"].facts for row in named}
    return Group(
        name=group,
        paths=tuple(f"results/{group}.{end}" for end in ("json", "md")),
        needs=tuple(dict.fromkeys(k for facts in shown.values() for k in facts["row"]["measured"])),
        facts={
            "scale": scale,
            "families": families,
            "tables": {facts["table"]["name"]: facts["table"] for facts in shown.values()},
            "rows": {row: facts["row"] for row, facts in shown.items()},
            "unasked": unasked,
        },
    )


def _unpaired(part: Part, claims: dict[str, Claim], planned: Plan) -> Iterator[str]:
    """A sentence for each claim that compares rows which share no noise."""
    for name, claim in claims.items():
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

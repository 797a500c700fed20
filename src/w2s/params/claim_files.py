"""Files of claims: claims/<scale>.yaml, or claims/<scale>/ with a file for each part."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from w2s.errors import UserError
from w2s.params.checks import Mistake
from w2s.params.claims import Claim, Claims, ClaimsFile
from w2s.params.confirm import confirm_tables
from w2s.params.parts import own_name
from w2s.params.scales import part_files, read_part, scale_names
from w2s.params.validate import valid
from w2s.strict import did_you_mean


def read_claims(folder: Path, scale: str, params: dict, files: dict[str, Path]) -> dict:
    """The `Claims` of each part that has any; none where the scale has no claims.

    folder: that of all claims, which has files as the folder of scales has.
    params, files: of all parts of the scale, by name.

    Raises:
        UserError: a claim cannot be read, or names a table, row or column that is not there; a
            line for each mistake.
    """
    if scale not in scale_names(folder):
        return {}
    claims, found = {}, []
    for name, file in part_files(folder, scale, str(folder)).items():
        if name not in params:
            hint = did_you_mean(name, files)
            found.append(f"{file}: scale '{scale}' has no part named '{name}'; {hint}")
            continue
        layers = read_part(folder, name, file)
        try:
            claims[name] = Claims(valid(ClaimsFile, layers).claims, layers)
        except UserError as error:
            found.append(str(error))
            continue
        own = params[name].tables
        fresh = confirm_tables(params[name], partial(own_name, name), None)
        mistakes = [
            *unknown_cells(claims[name].by_name, own | fresh, str(files[name])),
            *mixed(claims[name].by_name, fresh),
        ]
        found += dict.fromkeys(f"{layers.where(path)}: {what}" for path, what in mistakes)
    if found:
        raise UserError("\n".join(found))
    return claims


def mixed(claims: dict[str, Claim], fresh: dict) -> Iterator[Mistake]:
    """Claims that compare a table which confirms what was tuned with one that does not."""
    for name, claim in claims.items():
        if len({row.split("/")[0] in fresh for row in claim.rows.values()}) > 1:
            what = "one row is of a table that confirms on fresh seeds, and the other is not"
            yield ("claims", name, "against"), f"{what}; name two of the same"


def unknown_cells(claims: dict[str, Claim], tables: dict, file: str) -> Iterator[Mistake]:
    """What claims name that the tables of a part's file do not have, with the nearest that is."""
    for name, claim in claims.items():
        for key, cell in claim.rows.items():
            table, row = cell.split("/")
            at = ("claims", name, key)
            if table not in tables:
                yield at, f"{file} has no table '{table}'; {did_you_mean(table, tables)}"
            elif row not in (rows := tables[table].rows):
                yield at, f"table '{table}' of {file} has no row '{row}'; {did_you_mean(row, rows)}"
            elif claim.column not in (columns := tables[table].columns):
                hint = did_you_mean(claim.column, columns)
                what = f"table '{table}' of {file} has no column '{claim.column}'; {hint}"
                yield ("claims", name, "column"), what

"""A table's numbers as text: how Markdown, LaTeX and the terminal show a value and its mark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from w2s.report.columns import COLUMNS
from w2s.report.text import latex, markdown, one_line

if TYPE_CHECKING:
    from pandas import DataFrame

MISSING = "–"


@dataclass(frozen=True)
class Format:
    """A way to write text: make it safe, mark a leader that stands alone, mark leaders that tie."""

    escape: Callable[[str], str]
    best: Callable[[str], str]
    tied: Callable[[str], str]


MARKDOWN = Format(markdown, "**{}**".format, "*{}*".format)
LATEX = Format(latex, r"\textbf{{{}}}".format, r"\textit{{{}}}".format)
TERMINAL = Format(one_line, str, str)


def body(table: DataFrame, form: Format) -> DataFrame:
    """The table of strings to show: the label, then each column as value ± half its interval.

    table: as `w2s.report.tables.frame` makes it, or as read back from the csv file.
    """
    import pandas as pd

    shown = {"": [form.escape(label) for label in table["label"]]}
    rows = table.to_dict("records")
    for name in (name for name in table.columns if name in COLUMNS):
        column = COLUMNS[name]
        shown[form.escape(column.title)] = [_value(row, name, form) for row in rows]
        if f"{name}_published" in table:
            heading = form.escape(f"{column.heading} published")
            shown[heading] = [form.escape(_published(row, name)) for row in rows]
    return pd.DataFrame(shown)


def _value(row: dict, name: str, form: Format) -> str:
    digits = COLUMNS[name].digits
    if _absent(row[name]):
        return MISSING
    if isinstance(row[name], str):  # why there is no number
        return form.escape(row[name])
    text = f"{row[name]:.{digits}f}"
    if not _absent(row[f"{name}_low"]):
        text += f" ± {(row[f'{name}_high'] - row[f'{name}_low']) / 2:.{digits}f}"
    mark = {"best": form.best, "tied": form.tied}.get(row[f"{name}_mark"], str)
    return mark(form.escape(text))


def _published(row: dict, name: str) -> str:
    value, tolerance = row[f"{name}_published"], row[f"{name}_tolerance"]
    if _absent(value):
        return MISSING
    allowed = "" if _absent(tolerance) else f", tolerance {tolerance:g}"
    return f"{value:g}{allowed}: {row[f'{name}_verdict']}"


def _absent(value: float | None) -> bool:
    return value is None or value != value

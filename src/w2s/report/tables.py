"""Tables from cells, as csv (every number), Markdown, LaTeX and on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from w2s.metrics.intervals import paired_difference
from w2s.report.captions import caption as full_caption
from w2s.report.captions import marks_explained
from w2s.report.cells import units
from w2s.report.columns import COLUMNS
from w2s.report.files import write_text
from w2s.report.formats import LATEX, MARKDOWN, TERMINAL, body
from w2s.report.text import latex, markdown

if TYPE_CHECKING:
    from pandas import DataFrame

WIDTH = 100  # characters of a line of plain text
HEADER_LINES = 2  # the key and the caption, before the csv's own header


def write_table(
    folder: Path, name: str, key: str, caption: str, columns: list[str], rows: list[dict]
) -> None:
    """Write <name>.csv, <name>.md and <name>.tex.

    caption: its first sentences; scale, data set, samples, intervals, branching, sampler and the
        meaning of bold follow from the cells.
    rows: one dict per row, column name -> cell as `build_cell` gives it; a row may lack a column.
    """
    table = frame(columns, rows)
    cells = [cell for row in rows for cell in row.values()]
    text = full_caption(caption, cells)
    marked = any(table[f"{column}_mark"].ne("").any() for column in columns)
    explained = f"{text} {marks_explained(cells)}" if marked else text
    csv = table.to_csv(index=False, lineterminator="\n")
    write_text(folder / f"{name}.csv", f"# w2s-key: {key}\n# {text}\n{csv}")
    write_text(folder / f"{name}.md", f"<!-- w2s-key: {key} -->\n\n{_markdown(table, explained)}")
    write_text(folder / f"{name}.tex", f"% w2s-key: {key}\n{_latex(table, name, explained)}")


def show_table(path: Path) -> None:
    """Print a table's csv file and its caption: with rich on a terminal, elsewhere plain text."""
    import pandas as pd

    table = pd.read_csv(path, skiprows=HEADER_LINES, keep_default_na=False, na_values=[""])
    shown = body(table, TERMINAL)
    caption = path.read_text(encoding="utf-8").splitlines()[1].removeprefix("# ")
    if not sys.stdout.isatty():
        lines = _aligned([list(shown.columns), *shown.to_numpy().tolist()])
        print("\n".join([*lines, "", *wrap(caption, WIDTH)]))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(*shown.columns, caption=Text(caption), caption_justify="left")
    for row in shown.itertuples(index=False):
        grid.add_row(*(Text(cell) for cell in row))
    Console().print(grid)


def frame(columns: list[str], rows: list[dict]) -> DataFrame:
    """One line per row with row, label and, for each column, its numbers and its mark.

    <column> (where it is not available, that and what is missing), _low, _high, _n, _mark (best,
    tied or ""), _difference, _difference_low and _difference_high (to the baseline row);
    _published, _tolerance, _verdict and _reason where a row of that column has a published value.
    """
    import pandas as pd

    first = [next(iter(row.values())) for row in rows]
    data = {"row": [cell["row"] for cell in first], "label": [cell["label"] for cell in first]}
    for column in columns:
        cells = [row.get(column) for row in rows]
        for suffix, value in _fields(cells).items():
            data[f"{column}{suffix}"] = [None if cell is None else value(cell) for cell in cells]
        data[f"{column}_mark"] = marks(COLUMNS[column].better, cells)
    return pd.DataFrame(data)


def _fields(cells: list[dict | None]) -> dict[str, Callable[[dict], object]]:
    def ends(interval: list[float] | None) -> list:
        return interval or [None, None]

    def gap(cell: dict) -> dict:
        return cell["difference"] or {"value": None, "interval": None}

    fields = {
        "": lambda cell: cell.get("unavailable", cell["value"]),
        "_low": lambda cell: ends(cell["interval"])[0],
        "_high": lambda cell: ends(cell["interval"])[1],
        "_n": lambda cell: cell["n"],
        "_difference": lambda cell: gap(cell)["value"],
        "_difference_low": lambda cell: ends(gap(cell)["interval"])[0],
        "_difference_high": lambda cell: ends(gap(cell)["interval"])[1],
    }
    if any(cell and cell["published"] for cell in cells):
        fields |= {
            "_published": lambda cell: (cell["published"] or {}).get("value"),
            "_tolerance": lambda cell: (cell["published"] or {}).get("tolerance"),
            "_verdict": lambda cell: cell["verdict"],
            "_reason": lambda cell: cell["reason"],
        }
    return fields


def marks(better: str | None, cells: list[dict | None]) -> list[str]:
    """Per row: "best" where the intervals support it, else "tied" for the rows that lead.

    A row is separated from the best where the 95 % interval of their difference, paired by seed or
    prompt, excludes 0.  The best is marked "best" if every other row is separated from it;
    otherwise it and the rows not separated from it are "tied".  Nothing is marked in a column
    without a better side, or where a row has too few seeds or prompts for an interval, and real
    images never are.
    """
    rivals = [cell for cell in cells if cell is not None and not cell["real"]]
    if better is None or len(rivals) < 2 or any(not cell["interval"] for cell in rivals):
        return [""] * len(cells)
    pick = min if better == "lower" else max
    best = pick(rivals, key=lambda cell: cell["value"])
    lead = [bool(cell) and not cell["real"] and not separated(cell, best) for cell in cells]
    mark = "best" if sum(lead) == 1 else "tied"
    return [mark if leads else "" for leads in lead]


def separated(cell: dict, best: dict) -> bool:
    """Whether the interval of two cells' difference, paired by seed or prompt, excludes 0.

    Never so with a single one, which has no interval.  Raises ValueError for cells whose intervals
    are not taken over the same.
    """
    (values, over), (best_values, best_over) = units(cell), units(best)
    if over != best_over:
        raise ValueError(f"cannot pair {over} with {best_over}")
    return paired_difference(values, best_values, over).excludes_zero


def _aligned(lines: list[list[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _markdown(table: DataFrame, caption: str) -> str:
    rows = body(table, MARKDOWN).to_markdown(index=False, disable_numparse=True)
    return f"{rows}\n\n{markdown(caption)}\n"


def _latex(table: DataFrame, name: str, caption: str) -> str:
    shown = body(table, LATEX)
    return shown.to_latex(
        index=False,
        escape=False,
        caption=latex(caption),
        label=f"tab:{name}",
        position="t",
        column_format="l" + "c" * (shown.shape[1] - 1),
    )

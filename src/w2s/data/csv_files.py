"""Comma-separated tables whose bytes are the same on every system."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

# File names need not be valid UTF-8; these settings carry any name through a table unharmed.
_TEXT = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}


def csv_text(columns: list[str], rows: Iterable[Iterable]) -> str:
    """A header and rows of plain values, a line each."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: Path, columns: list[str], rows: Iterable[Iterable]) -> None:
    """Write a header and rows of plain values."""
    path.write_text(csv_text(columns, rows), **_TEXT)


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a table with a header, each as a mapping from column to text."""
    with path.open(**_TEXT) as file:
        return list(csv.DictReader(file))

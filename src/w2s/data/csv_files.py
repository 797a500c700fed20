"""Comma-separated tables whose bytes are the same on every system."""

import csv
from collections.abc import Iterable
from pathlib import Path

# File names need not be valid UTF-8; these settings carry any name through a table unharmed.
_TEXT = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}


def write_csv(path: Path, columns: list[str], rows: Iterable[Iterable]) -> None:
    """Write a header and rows of plain values."""
    with path.open("w", **_TEXT) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a table with a header, each as a mapping from column to text."""
    with path.open(**_TEXT) as file:
        return list(csv.DictReader(file))

"""What is known of each image of a data set beside its class."""

from __future__ import annotations

from pathlib import Path

from w2s.data.csv_files import read_csv
from w2s.errors import UserError

ATTRIBUTES = "attributes.csv"  # beside the class folders, and in an index


def read_attributes(index: Path) -> list[dict[str, str]]:
    """The row of attributes.csv of each image, in the order of the index node `index`.

    Raises UserError where the data set has none.
    """
    path = index / ATTRIBUTES
    if not path.is_file():
        raise UserError("this data set has no attributes.csv, which would say what its images show")
    rows = {row["file"]: row for row in read_csv(path)}
    return [rows[image["file"]] for image in read_csv(index / "index.csv")]

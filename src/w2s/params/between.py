"""What must hold between the parts of a study: names of tables, and one cost for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from w2s.params.files import Layers

# Targets of Snakemake that a table's own, `snakemake <table>`, must not take the place of.
RULES = frozenset(
    (
        *("all", "tables", "weights", "layers", "table", "curves", "sweep", "scan", "claims"),
        *("render", "index", "vae", "encode", "features", "reference", "prompts", "embed"),
        *("towers", "clip", "pipeline"),
        *("train", "extract", "sample", "decode", "evaluate", "convert", "score"),
    )
)
# Before the name of a table or of a part.
PREFIXES = ("cells_", "curves-", "sweep-", "weights-", "scan-", "layers-")


def between_parts(params: dict, layers: dict[str, Layers], files: dict[str, Path]) -> Iterator[str]:
    """A sentence for each contradiction between parts, given what each holds, by their names."""
    owners: dict[str, str] = {}
    costs = {}
    for part, block in params.items():
        for table in block.tables:
            if table in RULES or table.startswith(PREFIXES):
                where = layers[part].where(("tables", table))
                yield f"{where}: `snakemake {table}` stands for something else; choose another name"
            other = owners.setdefault(table, part)
            if other != part:
                where = f"{files[part]}: tables.{table}"
                yield f"{where}: {files[other]} has a table of this name too; rename one"
        if block.cost:
            costs[layers[part].where(("cost",))] = block.cost
    (first, cost), *others = costs.items() or [("", None)]
    for where, another in others:
        if another != cost:
            yield f"{where}: differs from {first}; keep one for all parts"

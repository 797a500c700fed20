"""What must hold between the parts of a study: names of tables, and one cost for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from w2s.params.files import Layers

# Targets of Snakemake whose place a table's or figure's own, `snakemake <name>`, must not take.
RULES = frozenset(
    (
        *("all", "tables", "weights", "layers", "table", "curves", "sweep", "scan", "claims"),
        *("tune", "confirm"),
        *("render", "index", "vae", "encode", "features", "reference", "prompts", "embed"),
        *("towers", "clip", "pipeline"),
        *("train", "extract", "sample", "decode", "evaluate", "convert", "score"),
        *("probe", "points", "judge"),
    )
)
# Before the name of a table or of a part.
PREFIXES = (
    *("cells_", "curves-", "sweep-", "weights-", "scan-", "layers-"),
    *("tune-", "tuned-", "confirm-"),
)


def between_parts(params: dict, layers: dict[str, Layers], files: dict[str, Path]) -> Iterator[str]:
    """A sentence for each contradiction between parts, given what each holds, by their names."""
    owners: dict[str, tuple[str, str]] = {}
    costs = {}
    for part, block in params.items():
        if part in RULES or part.startswith(PREFIXES):
            yield f"{files[part]}: `snakemake {part}` stands for something else; rename the file"
        tables, figures = block.tables, getattr(block, "figures", {})
        for key, name in [*(("tables", t) for t in tables), *(("figures", f) for f in figures)]:
            of_another = name in params and name != part  # whose name makes all of that part
            if name in RULES or name.startswith(PREFIXES) or of_another:
                where = layers[part].where((key, name))
                yield f"{where}: `snakemake {name}` stands for something else; choose another name"
            other, what = owners.setdefault(name, (part, key))
            if (other, what) != (part, key):
                where, taken = f"{files[part]}: {key}.{name}", what.removesuffix("s")
                yield f"{where}: {files[other]} has a {taken} of this name too; rename one"
        if block.cost:
            costs[layers[part].where(("cost",))] = block.cost
    (first, cost), *others = costs.items() or [("", None)]
    for where, another in others:
        if another != cost:
            yield f"{where}: differs from {first}; keep one for all parts"

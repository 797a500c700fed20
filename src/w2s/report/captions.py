"""What a table's caption has to say about its numbers, taken from its cells."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from w2s.metrics.intervals import level, unit_of
from w2s.metrics.point_registry import POINT_SCORES
from w2s.report.cells import COUNTED, units
from w2s.report.columns import COLUMNS
from w2s.report.text import one_line

MARKS = (
    "Bold: the best of a column where the 95 % interval of its difference to every other row, "
    "paired by {unit}, excludes 0. Italics: elsewhere, the best and the rows that it cannot be "
    "told from in this way. No correction for multiple comparisons."
)
FORWARDS = "Forwards: mean per sample and step, part of a network counting as its share."


def caption(lead: str, cells: list[dict]) -> str:
    """One paragraph: `lead`, then scale, data, samples, intervals, branching and sampler.

    lead: the caller's own sentences.
    """
    there = [cell for cell in cells if "unavailable" not in cell]
    estimated = [cell for cell in there if cell["covers"] != COUNTED]
    sampled = [cell for cell in estimated if not cell["real"]]
    return one_line(
        " ".join(
            filter(
                None,
                [
                    lead,
                    f"Scale: {_distinct(cell['scale'] for cell in cells)}.",
                    f"Data set: {_distinct(cell['dataset'] for cell in cells)}.",
                    _samples([cell for cell in sampled if "prompts" not in cell]),
                    _images([cell for cell in cells if "prompts" in cell]),
                    _neighbourhoods(estimated),
                    _real([cell for cell in estimated if cell["real"] and "over" not in cell]),
                    _true([cell for cell in estimated if cell["real"] and "over" in cell]),
                    _scores_of_points(estimated),
                    _intervals(estimated),
                    " ".join(dict.fromkeys(filter(None, (c["branching"] for c in cells)))),
                    f"Sampler: {_distinct(filter(None, (c['sampler'] for c in cells)))}.",
                    _published(cells),
                    FORWARDS if len(estimated) < len(there) else None,
                ],
            )
        )
    )


def marks_explained(cells: list[dict]) -> str:
    """What the marks of a table of these cells mean."""
    paired = dict.fromkeys(unit_of(units(c)[1]) for c in cells if c["interval"] and not c["real"])
    return MARKS.format(unit=" or ".join(paired))


def _distinct(values: Iterable) -> str:
    return "; ".join(dict.fromkeys(str(value) for value in values))


def _samples(cells: list[dict]) -> str | None:
    if not cells:
        return None
    counts = _distinct(f"{len(cell['seeds'])} × {cell['n']}" for cell in cells)
    seeds = _distinct(_numbers(cell["seeds"]) for cell in cells)
    trained = _distinct(_numbers(c["training_seeds"]) for c in cells if c["training_seeds"])
    trained = f"; training seeds {trained}" if trained else ""
    return f"Samples: {counts} (sampling seeds {seeds}{trained})."


def _images(cells: list[dict]) -> str | None:
    """How many images of how many prompts, and what is measured of each, with which files."""
    if not cells:
        return None
    counts = dict.fromkeys((len(c["seeds"]), c["n"], c["prompts"]) for c in cells)
    sets = _distinct(f"{seeds} × {n:,} images of {p:,} prompts" for seeds, n, p in counts)
    seeds = _distinct(_numbers(cell["seeds"]) for cell in cells)
    measures = dict.fromkeys(_measure(cell) for cell in cells if "definition" in cell)
    averaged = "A prompt's images are averaged." if measures else ""
    parts = [f"Samples: {sets} (sampling seeds {seeds}).", *measures, averaged, *_as_sets(cells)]
    return " ".join(filter(None, parts))


def _as_sets(cells: list[dict]) -> list[str]:
    """What is measured on all images of a seed, and how many real ones they are compared with."""
    cells = [cell for cell in cells if cell.get("per_seed")]
    columns = _distinct(COLUMNS[cell["column"]].heading for cell in cells)
    counts = dict.fromkeys((cell["n"], cell["reference_images"]) for cell in cells)
    return [f"{columns}: {n:,} images of a seed against {real:,} real ones." for n, real in counts]


def _measure(cell: dict) -> str:
    read = ", ".join(f"{name} {Path(path).name}" for name, path in cell["files"].items())
    read = f"; {read}" if read else ""
    return f"{COLUMNS[cell['column']].heading}: {cell['definition']}{read}."


def _neighbourhoods(cells: list[dict]) -> str | None:
    """What the sizes of the two sets do to precision and recall, where one is shown."""
    cells = [cell for cell in cells if cell["column"] in ("precision", "recall")]
    sizes = dict.fromkeys((cell["n"], cell["reference_images"]) for cell in cells)
    if not sizes:
        return None
    counts = _distinct(f"{n:,} samples with {real:,} real images" for n, real in sizes)
    fewer = any(n < real for n, real in sizes)
    effect = "; fewer samples have wider neighbourhoods, which flatters recall" if fewer else ""
    return f"Precision and recall compare {counts}{effect}."


def _real(cells: list[dict]) -> str | None:
    """What the rows of real images are."""
    if not cells:
        return None
    counts = _distinct(f"{len(cell['seeds'])} × {cell['n']}" for cell in cells)
    return (
        f"{_distinct(cell['label'] for cell in cells)}: {counts} images that no network and no "
        "reference has seen, scored like samples but not passed through the VAE; they compete "
        "for no mark."
    )


def _true(cells: list[dict]) -> str | None:
    """What the rows of true points are."""
    if not cells:
        return None
    counts = _distinct(f"{len(cell['seeds'])} × {cell['n']}" for cell in cells)
    return (
        f"{_distinct(cell['label'] for cell in cells)}: {counts} points drawn from the truth and "
        "scored like samples, which is what a perfect sampler would reach; they compete for no "
        "mark."
    )


def _scores_of_points(cells: list[dict]) -> str | None:
    """What the columns of points are."""
    shown = dict.fromkeys(c["column"] for c in cells if c["column"] in POINT_SCORES)
    scores = [POINT_SCORES[name] for name in shown]
    return " ".join(f"{score.heading}: {score.definition}." for score in scores) or None


def _intervals(cells: list[dict]) -> str | None:
    """What ± is; by column where kinds of interval differ."""
    kinds: dict[str, list[dict]] = {}
    for cell in cells:
        over = units(cell)[1]
        what = f"half a {level(over)}" if cell["interval"] else f"left out, for one {unit_of(over)}"
        kinds.setdefault(what, []).append(cell)
    if cells and not any(cell["interval"] for cell in cells):
        return f"No intervals: one {_distinct(unit_of(units(cell)[1]) for cell in cells)}."
    return " ".join(_kind(what, own, len(kinds) > 1) for what, own in kinds.items()) or None


def _kind(what: str, cells: list[dict], among_others: bool) -> str:
    columns = _distinct(COLUMNS[cell["column"]].heading for cell in cells)
    of = f" of {columns}" if among_others else ""
    covered = f" over {_distinct(c['covers'] for c in cells)}" if cells[0]["interval"] else ""
    return f"±{of} is {what}{covered}."


def _published(cells: list[dict]) -> str | None:
    why = dict.fromkeys(c["reason"] for c in cells if c["verdict"] == "not comparable")
    return f"Not comparable with the published values: {'; '.join(why)}." if why else None


def _numbers(values: list[int]) -> str:
    if len(values) > 2 and values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]}–{values[-1]}"
    return ", ".join(str(value) for value in values)

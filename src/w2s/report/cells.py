"""A cell: one number of one table, with its interval, its provenance and its verdict."""

from __future__ import annotations

from statistics import fmean

from w2s.metrics.intervals import Interval, Source, interval_over, paired_difference, varies
from w2s.plan.facts import RowFacts, TableFacts
from w2s.report.columns import COLUMNS

COUNTED = "counted, not estimated"
UNAVAILABLE = "not available"
ONE = {
    "groups of real images": "group of real images",
    "prompts": "prompt",
    "noise seeds": "noise seed",
    "true samples": "true sample",
}


def build_cell(
    table: TableFacts,
    row: RowFacts,
    column: str,
    runs: list[dict],
    baseline: list[dict] | None,
) -> dict:
    """The cell of `column` in a row.

    runs: the row's metrics, one per training seed: {"per_seed": {column: [one value per sampling
        seed]}, "seeds": [sampling seeds], "n": samples per sampling seed, "reference_images": how
        many they were compared with, ...}.  Where a column's units are prompts, the one run of its
        score: {"per_prompt": [one value per prompt], "definition": text, "seeds", "n"}; none where
        a file that the column is measured with is not there, which the cell then says.
    baseline: the same of the table's baseline row; None in that row itself.

    Raises ValueError where row and baseline were not drawn with the same seeds or prompts, because
    their difference could not be paired.  Real images share no noise with samples: they have none.
    """
    if column in row.unavailable:
        numbers = _unavailable(row, column)
    elif COLUMNS[column].scorer is None:
        numbers = _counted(row.forwards)
    else:
        numbers = _estimated(table, row, column, runs, None if row.real else baseline)
    published = row.published.get(column)
    verdict, reason = judge(numbers["value"], published, row, row.unavailable.get(column))
    read = runs[0] if runs else row.drawn
    return {
        "table": table.name,
        "row": row.name,
        "column": column,
        "label": row.label,
        **numbers,
        "n": read["n"],
        "reference_images": read.get("reference_images"),
        "seeds": read["seeds"],
        "training_seeds": table.training_seeds,
        "real": row.real,
        "published": published,
        "verdict": verdict,
        "reason": reason,
        "scale": table.scale,
        "dataset": table.dataset,
        "recipe": row.recipe,
        "branching": row.branching,
        "sampler": row.sampler,
        "guidance": row.guidance,
        "extractor": read.get("extractor"),
    }


def _counted(number: float | None) -> dict:
    return {
        "value": number,
        "interval": None,
        "covers": COUNTED,
        "per_seed": None,
        "difference": None,
    }


def _unavailable(row: RowFacts, column: str) -> dict:
    said = f"{UNAVAILABLE}: {row.unavailable[column]}"
    return _counted(None) | {"covers": said, "unavailable": said} | _prompts(row)


def _prompts(row: RowFacts) -> dict:
    """How many prompts a row is drawn of, where it is."""
    return {"prompts": row.drawn["prompts"]} if "prompts" in row.drawn else {}


def _estimated(
    table: TableFacts, row: RowFacts, column: str, runs: list[dict], baseline: list[dict] | None
) -> dict:
    kept = _kept(row, column, runs)
    about = {"training_seeds": table.training_seeds, "real": row.real}
    values, over = units(kept | about | {"seeds": runs[0]["seeds"]})
    interval = interval_over(list(values.values()), over)
    difference = None
    if baseline is not None:
        others, _ = units(_kept(row, column, baseline) | about | {"seeds": baseline[0]["seeds"]})
        gap = paired_difference(values, others, over)
        difference = {"value": gap.mean, "interval": _ends(gap), "paired_by": over}
    return {
        "value": interval.mean,
        "interval": _ends(interval),
        "covers": covers(interval, row),
        **kept,
        "difference": difference,
    }


def _kept(row: RowFacts, column: str, runs: list[dict]) -> dict:
    """What a cell keeps of the values that its interval is taken over."""
    if "per_prompt" in runs[0]:
        (run,) = runs
        kept = {"per_seed": None} | {name: run[name] for name in ("per_prompt", "definition")}
        return kept | {"files": row.files.get(column, {}), "prompts": len(run["per_prompt"])}
    kept = {"per_seed": [run["per_seed"][column] for run in runs]}
    kept |= {} if row.over == "seeds" else {"over": row.over}
    return kept | _prompts(row)


def units(cell: dict) -> tuple[dict[int, float], Source]:
    """The values that a cell's interval is taken over, by seed or by number of the prompt."""
    if "per_prompt" in cell:
        return dict(enumerate(cell["per_prompt"])), "prompts"
    if "over" in cell:  # of one network without training, or of none
        (values,) = cell["per_seed"]
        return dict(zip(cell["seeds"], values, strict=True)), cell["over"]
    return replicates(cell["per_seed"], cell["seeds"], cell["training_seeds"], cell["real"])


def replicates(
    per_seed: list[list[float]], seeds: list[int], training_seeds: list[int], real: bool = False
) -> tuple[dict[int, float], Source]:
    """The values of seeds that an interval is taken over, given one list per training seed.

    The draws of one model; with several models, one mean per model, since the draws of one model
    are not independent of each other as far as training is concerned.  Of real images, groups.
    """
    if real or len(training_seeds) <= 1:
        over: Source = "groups of real images" if real else "sampling seeds"
        return dict(zip(seeds, per_seed[0], strict=True)), over
    means = [fmean(values) for values in per_seed]
    return dict(zip(training_seeds, means, strict=True)), "training seeds"


def covers(interval: Interval, row: RowFacts) -> str:
    """What the interval covers, in words."""
    if interval.n == 1:
        one = ONE.get(interval.over, "sampling seed of one trained model")
        return f"one {one}: no interval"
    models = " of one trained model" if interval.over == "sampling seeds" else ""
    what = varies(interval.over, row.random_labels, "prompts" if _prompts(row) else "labels")
    return f"{interval.n} {interval.over}{models} ({what})"


def _ends(interval: Interval) -> list[float] | None:
    return None if interval.low is None else [interval.low, interval.high]


def judge(
    value: float | None, published: dict | None, row: RowFacts, absent: str | None = None
) -> tuple[str | None, str | None]:
    """Compare with the published value: (verdict, and the reason), None where there is none.

    Verdicts are "pass", "fail", "not comparable" and, where a file that is `absent` would give the
    value, "not available".
    """
    if published is not None and absent:
        return UNAVAILABLE, f"{absent} is not there"
    if published is None or value is None:
        return None, None
    if not row.comparable:
        return "not comparable", row.why
    tolerance = published["tolerance"]
    if tolerance is None:
        return "not comparable", "no tolerance is set for the published value"
    gap = abs(value - published["value"])
    met = gap <= tolerance
    word = "within" if met else "outside"
    reason = f"{gap:.4g} from the published value, {word} the tolerance of {tolerance:g}"
    return ("pass" if met else "fail"), reason

"""A cell: one number of one table, with its interval, its provenance and its verdict."""

from __future__ import annotations

from statistics import fmean

from w2s.metrics.intervals import Interval, Source, mean_interval, paired_difference

LEVEL = "95 % t interval"
COUNTED = "counted, not estimated"


def build_cell(facts: dict, column: str, runs: list[dict], baseline: list[dict] | None) -> dict:
    """The cell of `column` in the row that `facts` describes.

    facts: key, table, row, label, scale, dataset, recipe, sampler, guidance, training_seeds,
        forwards (per sample and step), published ({value, tolerance, source} or None),
        comparable and why (what stands in the way of a comparison), and optionally branching
        (a sentence on the shared trunk).
    runs: the row's metrics, one per training seed: {"per_seed": {column: [one value per sampling
        seed]}, "seeds": [sampling seeds], "n": samples per sampling seed, ...}.
    baseline: the same of the table's baseline row; None in that row itself.

    Raises ValueError where row and baseline were not drawn with the same seeds, because their
    difference could not be paired.
    """
    if column == "forwards":
        numbers = _counted(facts["forwards"])
    else:
        numbers = _estimated(facts, column, runs, baseline)
    verdict, reason = judge(numbers["value"], facts)
    return {
        "table": facts["table"],
        "row": facts["row"],
        "column": column,
        "label": facts["label"],
        **numbers,
        "n": runs[0]["n"],
        "seeds": runs[0]["seeds"],
        "training_seeds": facts["training_seeds"],
        "published": facts["published"],
        "verdict": verdict,
        "reason": reason,
        "scale": facts["scale"],
        "dataset": facts["dataset"],
        "recipe": facts["recipe"],
        "branching": facts.get("branching"),
        "sampler": facts["sampler"],
        "guidance": facts["guidance"],
        "extractor": runs[0].get("extractor"),
        "key": facts["key"],
    }


def _counted(forwards: float) -> dict:
    return {
        "value": forwards,
        "interval": None,
        "covers": COUNTED,
        "per_seed": None,
        "difference": None,
    }


def _estimated(facts: dict, column: str, runs: list[dict], baseline: list[dict] | None) -> dict:
    per_seed = [run["per_seed"][column] for run in runs]
    values, over = replicates(per_seed, runs[0]["seeds"], facts["training_seeds"])
    interval = mean_interval(list(values.values()), over)
    difference = None
    if baseline is not None:
        others, _ = replicates(
            [run["per_seed"][column] for run in baseline],
            baseline[0]["seeds"],
            facts["training_seeds"],
        )
        gap = paired_difference(values, others, over)
        difference = {"value": gap.mean, "interval": _ends(gap), "paired_by": over}
    return {
        "value": interval.mean,
        "interval": _ends(interval),
        "covers": covers(interval),
        "per_seed": per_seed,
        "difference": difference,
    }


def replicates(
    per_seed: list[list[float]], seeds: list[int], training_seeds: list[int]
) -> tuple[dict[int, float], Source]:
    """The values that an interval is taken over, by seed, given one list per training seed.

    The draws of one model; with several models, one mean per model, since the draws of one model
    are not independent of each other as far as training is concerned.
    """
    if len(training_seeds) == 1:
        return dict(zip(seeds, per_seed[0], strict=True)), "sampling seeds"
    means = [fmean(values) for values in per_seed]
    return dict(zip(training_seeds, means, strict=True)), "training seeds"


def covers(interval: Interval) -> str:
    """What the interval covers, in words."""
    if interval.n == 1:
        return "one sampling seed of one trained model: no interval"
    models = " of one trained model" if interval.over == "sampling seeds" else ""
    return f"{interval.n} {interval.over}{models} ({interval.covers})"


def _ends(interval: Interval) -> list[float] | None:
    return None if interval.low is None else [interval.low, interval.high]


def judge(value: float, facts: dict) -> tuple[str | None, str | None]:
    """Compare with the published value: (pass, fail, "not comparable" or None, and the reason)."""
    published = facts["published"]
    if published is None:
        return None, None
    if not facts["comparable"]:
        return "not comparable", facts["why"]
    tolerance = published["tolerance"]
    if tolerance is None:
        return "not comparable", "no tolerance is set for the published value"
    gap = abs(value - published["value"])
    met = gap <= tolerance
    word = "within" if met else "outside"
    reason = f"{gap:.4g} from the published value, {word} the tolerance of {tolerance:g}"
    return ("pass" if met else "fail"), reason

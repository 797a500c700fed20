"""A cell: one number of one table, with its interval, its provenance and its verdict."""

from __future__ import annotations

from w2s.metrics.intervals import mean_interval, paired_difference

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

    Raises ValueError where the two rows were not drawn with the same seeds, because their
    difference could not be paired.
    """
    if column == "forwards":
        numbers = _counted(facts["forwards"])
    else:
        numbers = _estimated(column, runs, baseline)
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
        "replicates": None,
        "difference": None,
    }


def _estimated(column: str, runs: list[dict], baseline: list[dict] | None) -> dict:
    per_seed = [run["per_seed"][column] for run in runs]
    values = replicates(per_seed)
    mean, interval = mean_interval(values)
    difference = None
    if baseline is not None:
        if [run["seeds"] for run in baseline] != [run["seeds"] for run in runs]:
            raise ValueError("a row and its baseline were not drawn with the same seeds")
        others = replicates([run["per_seed"][column] for run in baseline])
        gap, gap_interval = paired_difference(values, others)
        difference = {"value": gap, "interval": gap_interval, "covers": "differences by seed"}
    return {
        "value": mean,
        "interval": interval,
        "covers": covers(per_seed),
        "per_seed": per_seed,
        "replicates": values,
        "difference": difference,
    }


def replicates(per_seed: list[list[float]]) -> list[float]:
    """The values that an interval is taken over, given one list per training seed.

    Sampling seeds of one model; with several models, one mean per model, since the draws of one
    model are not independent of each other as far as training is concerned.
    """
    if len(per_seed) == 1:
        return per_seed[0]
    return [sum(values) / len(values) for values in per_seed]


def covers(per_seed: list[list[float]]) -> str:
    """What the interval over these values covers, in words."""
    models, draws = len(per_seed), len(per_seed[0])
    if models > 1:
        return f"{models} training seeds, each the mean of {draws} sampling seed{'s'[: draws > 1]}"
    if draws > 1:
        return f"{draws} sampling seeds of one trained model"
    return "one sampling seed of one trained model: no interval"


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

"""What published files say beside the numbers: facts of a table and of each of its rows.

They pass whole, as JSON, from the plan to the report.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from w2s.guidance.registry import method_against
from w2s.guidance.windows import acting, windows_in_steps
from w2s.metrics.registry import BY_DINOV2
from w2s.params.fingerprint import ABSENT
from w2s.params.networks import source_of
from w2s.plan.drawing import SampleSet
from w2s.sampling.trajectories import encode

SCORE, METRICS = "score", "metrics"  # kinds of node that measure a row: image by image, as a set
REAL = "held-out real images"


@dataclass(frozen=True)
class TableFacts:
    """What all cells of a table have in common."""

    name: str
    title: str
    columns: list[str]
    baseline: str  # name of a row
    scale: str
    dataset: str
    training_seeds: list[int]
    index: str  # key of the image index or the prompts, which name the conditions
    prompts: int | None = None  # how many the pictures show, where rows are drawn of prompts


@dataclass(frozen=True)
class RowFacts:
    """Where the numbers of a row come from."""

    name: str
    label: str
    kind: str  # of the nodes that measured it, which also says how the row is drawn
    measured: list[str]  # their keys: one per training seed, one alone for real images, or scores
    shown: str  # key of the node that holds what is drawn
    recipe: str
    over: str = "seeds"  # what intervals of its metrics are over: seeds, or a source by name
    scored: dict[str, list[str]] = field(default_factory=dict)  # of these by column, if not all
    files: dict[str, dict[str, str]] = field(default_factory=dict)  # that scores read, by column
    unavailable: dict[str, str] = field(default_factory=dict)  # of these the absent, by column
    drawn: dict = field(default_factory=dict)  # images of a seed, seeds, prompts, where so planned
    real: bool = False
    branching: str | None = None
    conditional: bool = True
    random_labels: bool = False  # whether seeds differ in labels as well as in noise
    sampler: str | None = None
    guidance: list[dict] = field(
        default_factory=list
    )  # windows in t and in steps, and the method of each
    trained: list[dict] = field(
        default_factory=list
    )  # the same of the guidance trained into the model
    times: list[float] = field(default_factory=list)  # of the solver, falling
    steps: list[list] = field(default_factory=list)  # how many in a row, and their method
    forwards: float | None = None  # per sample and step; none for real images
    published: dict[str, dict] = field(default_factory=dict)  # by column
    comparable: bool = True
    why: str | None = None

    def measuring(self, column: str) -> list[str]:
        """Keys of the nodes that a column's numbers come from."""
        if column in self.unavailable:
            return []
        return self.scored.get(column, self.measured)


def table_facts(part, plan, name: str) -> TableFacts:
    """The facts of one of a part's tables.

    Without a `training` of its own a part has no training seeds that its rows are repeated with.
    """
    table, training = part.params.tables[name], getattr(part.params, "training", None)
    return TableFacts(
        name=name,
        title=table.title,
        columns=list(table.columns),
        baseline=table.baseline,
        scale=part.scale,
        dataset=part.data["name"],
        training_seeds=list(training.seeds) if training else [],
        index=plan.index,
        prompts=table.figure.prompts if hasattr(table, "figure") else None,
    )


def row_facts(part, plan, table: str, name: str) -> RowFacts:
    """The facts of one of a table's rows."""
    params = part.params
    row = params.tables[table].rows[name]
    sets = [plan.sets[table, name, seed] for seed in params.training.seeds]
    scored, first = measured_by_column(plan, sets), plan.nodes[sets[0].measured[0]]
    keys = list(dict.fromkeys(key for keys in scored.values() for key in keys))
    columns = params.tables[table].columns
    unavailable = {c: path for c in columns if (path := lacking_network(part, c))}
    sampling = params.sampling
    common = {
        "name": name,
        "label": row.label or name,
        "kind": METRICS,
        "measured": keys,
        "shown": first.parents["decoded"][0] if keys else first.key,
        "scored": scored if any(len(one.measured) > 1 for one in sets) else {},
        "unavailable": unavailable,
        "drawn": {"n": sampling.per_seed, "seeds": list(sampling.seeds)} if unavailable else {},
        "published": {c: p.model_dump() for c, p in row.published.items()},
        "comparable": row.comparable,
        "why": row.why,
    }
    if row.real:
        return RowFacts(**common, recipe=REAL, real=True)
    drawing = sets[0].drawing
    steps, conditional = len(drawing.methods), drawing.start["conditional"]
    return RowFacts(
        **common,
        recipe=recipe_text(params, row.model),
        branching=branching_text(params, row.model),
        conditional=conditional,
        random_labels=conditional and drawing.start["labels"] == "random",
        sampler=f"{drawing.start['solver']}, {steps} steps",
        guidance=guidance_facts(params, row, drawing),
        trained=trained_facts(params, row.model),
        times=drawing.start["times"],
        steps=encode(drawing.methods),
        forwards=drawing.forwards / steps,
    )


def measured_by_column(plan, sets: Sequence[SampleSet]) -> dict[str, list[str]]:
    """The nodes that hold each column's numbers: one per set of samples, as there are seeds."""
    found = defaultdict(list)
    for key in (key for one in sets for key in one.measured):
        node = plan.nodes[key]
        columns = {SCORE: [node.spec.get("score")], METRICS: node.spec.get("metrics")}
        for column in columns.get(node.kind, ()):
            found[column].append(key)
    return {column: list(dict.fromkeys(keys)) for column, keys in found.items()}


def lacking_network(part, column: str) -> str | None:
    """The file of a column's own network in a part with pictures, if it is not there."""
    absent = part.fingerprints.get("dinov2", "").startswith(ABSENT)
    return part.params.dinov2.path if column in BY_DINOV2 and absent else None


def guidance_facts(params, row, trajectory) -> list[dict]:
    """The windows of a row's guidance: in t, in steps, and the method of each."""
    if row.guidance is None:
        return []
    guidance, times = params.guidance[row.guidance], trajectory.start["times"]
    spans = acting(guidance, times)
    return [
        where | span.window.guide().model_dump(mode="json")
        for where, span in zip(windows_in_steps(guidance, times), spans, strict=True)
    ]


def trained_facts(params, model: str) -> list[dict]:
    """The guidance trained into a model: windows in t, the sampling method like it, its weight."""
    if model not in params.training.recipes:
        return []
    windows = params.training.recipes[model].objective.trained_in()
    return [
        {"low": low, "high": high, "method": method_against(signal), "weight": weight}
        for signal, low, high, weight in windows
    ]


def branching_text(params, model: str) -> str | None:
    """A sentence on the trunk that a model's training shares with others."""
    recipe = params.training.recipes.get(source_of(params, model))
    if recipe is None or recipe.trunk is None:
        return None
    trunk, step = recipe.trunk
    return f"Networks continue from one trunk ({trunk}, {step} steps), not from scratch."


def recipe_text(params, model: str) -> str:
    """A model's training in words."""
    if model in params.pretrained:
        return f"{model}: pretrained"
    if model in params.weak:
        weak = params.weak[model]
        part = weak.part if isinstance(weak.part, str) else f"without blocks {weak.part.skip}"
        which = "" if part == "full" else f", {part}"
        if weak.recipe in params.pretrained:
            return f"{weak.recipe}, pretrained{which}"
        at = weak.at(params.training.recipes[weak.recipe].steps)
        return f"{weak.recipe} at step {at}{which}"
    recipe = params.training.recipes[model]
    branch = f", from {recipe.branch}" if recipe.branch else ""
    label = "" if recipe.conditional else ", without labels"
    return f"{model}: {recipe.objective.name}, {recipe.steps} steps{branch}{label}"

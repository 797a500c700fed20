"""Published files: which there are, what they show, and the key each must carry."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from w2s.guidance.base import Signal
from w2s.guidance.windows import acting, windows_in_steps
from w2s.params.networks import sees_labels, source_of
from w2s.plan.nodes import digest
from w2s.sampling.trajectories import encode

VERSION = 3  # raise when cells, tables or figures come out differently for the same nodes


@dataclass(frozen=True)
class Group:
    """Files that one job publishes."""

    name: str  # kind/what: cells/guidance/cfg-2, table/guidance, figure/curves
    paths: tuple[str, ...]
    needs: tuple[str, ...]  # keys of the nodes they show
    facts: dict  # everything else they show

    @cached_property
    def key(self) -> str:
        return digest([self.name, VERSION, self.needs, self.facts])


def groups(part, plan) -> dict[str, Group]:
    """All groups of a part, by name."""
    study, common = part.params, common_facts(part, plan)
    out = {}

    def add(name, paths, needs, facts):
        out[name] = Group(name, tuple(paths), tuple(dict.fromkeys(needs)), common | facts)

    for table_name, table in study.tables.items():
        rows = {name: row_facts(part, plan, table_name, name) for name in table.rows}
        heading = {"table": table_name, "title": table.title, "columns": list(table.columns)}
        heading["baseline"] = table.baseline
        for name, row in rows.items():
            add(
                f"cells/{table_name}/{name}",
                [f"results/cells/{table_name}/{name}/{c}.json" for c in table.columns]
                + [f"results/figures/{table_name}/{name}.png"],
                [*row["metrics"], *rows[table.baseline]["metrics"], plan.index],
                heading | {"row": row, "against": rows[table.baseline]},
            )
        add(
            f"table/{table_name}",
            [f"results/tables/{table_name}.{end}" for end in ("csv", "md", "tex")]
            + [f"results/figures/{table_name}-{what}.png" for what in ("samples", "schedules")],
            [*(key for row in rows.values() for key in row["metrics"]), plan.index],
            heading | {"rows": list(rows.values())},
        )
    curves = {n.label: n.key for n in plan.nodes.values() if n.kind == "train"}
    figure = f"results/figures/{part.own('training-curves')}.png"
    add(f"figure/{part.own('curves')}", [figure], curves.values(), {})
    return out


def common_facts(part, plan) -> dict:
    """What every published file says about the study."""
    return {
        "scale": part.scale,
        "dataset": part.data["name"],
        "training_seeds": list(part.params.training.seeds),
        "index": plan.index,
    }


def row_facts(part, plan, table: str, name: str) -> dict:
    """What a cell says about where its number comes from."""
    study = part.params
    row = study.tables[table].rows[name]
    sets = [plan.sets[table, name, seed] for seed in study.training.seeds]
    first = sets[0].drawing
    steps = len(first.methods)
    return {
        "name": name,
        "label": row.label or name,
        "recipe": recipe_text(study, row.model),
        "conditional": sees_labels(study, row.model),
        "branching": branching_text(study, row.model),
        "sampler": f"{first.start['solver']}, {steps} steps",
        "guidance": guidance_facts(study, row, first),
        "trained": trained_facts(study, row.model),
        "times": first.start["times"],
        "steps": encode(first.methods),
        "forwards": first.forwards / steps,
        "metrics": [s.metrics for s in sets],
        "published": {c: p.model_dump() for c, p in row.published.items()},
        "comparable": row.comparable,
        "why": row.why,
    }


def guidance_facts(study, row, trajectory) -> list[dict]:
    """The windows of a row's guidance: in t, in steps, and the method of each."""
    if row.guidance is None:
        return []
    guidance, times = study.guidance[row.guidance], trajectory.start["times"]
    spans = acting(guidance, times)
    return [
        where | span.window.guide().model_dump(mode="json")
        for where, span in zip(windows_in_steps(guidance, times), spans, strict=True)
    ]


def trained_facts(study, model: str) -> list[dict]:
    """The guidance trained into a model: windows in t, the sampling method like it, its weight."""
    if model not in study.training.recipes:
        return []
    windows = study.training.recipes[model].objective.trained_in()
    return [
        {"low": low, "high": high, "method": _like(signal), "weight": weight}
        for signal, low, high, weight in windows
    ]


def _like(weak: Signal) -> str:
    """The sampling method that moves away from this weak signal."""
    if weak.null:
        return "cfg"
    if weak.head:
        return "internal"
    return "skip_layer" if weak.skip else "autoguidance"


def branching_text(study, model: str) -> str | None:
    """A sentence on the trunk that a model's training shares with others."""
    recipe = study.training.recipes.get(source_of(study, model))
    if recipe is None or recipe.trunk is None:
        return None
    trunk, step = recipe.trunk
    return f"Networks continue from one trunk ({trunk}, {step} steps), not from scratch."


def recipe_text(study, model: str) -> str:
    """A model's training in words."""
    if model in study.pretrained:
        return f"{model}: pretrained"
    if model in study.weak:
        weak = study.weak[model]
        part = weak.part if isinstance(weak.part, str) else f"without blocks {weak.part.skip}"
        which = "" if part == "full" else f", {part}"
        if weak.recipe in study.pretrained:
            return f"{weak.recipe}, pretrained{which}"
        at = weak.at(study.training.recipes[weak.recipe].steps)
        return f"{weak.recipe} at step {at}{which}"
    recipe = study.training.recipes[model]
    branch = f", from {recipe.branch}" if recipe.branch else ""
    label = "" if recipe.conditional else ", without labels"
    return f"{model}: {recipe.objective.name}, {recipe.steps} steps{branch}{label}"

"""What published files say of points beside the numbers."""

from __future__ import annotations

from dataclasses import replace

from w2s.params.parts import Part
from w2s.plan.facts import RowFacts, TableFacts, guidance_facts, table_facts, trained_facts
from w2s.plan.plan import Plan
from w2s.sampling.trajectories import encode

TRUTH = "points of the truth"
TRUE_SAMPLES = "true samples"  # what the intervals of these rows are taken over
NOISE = "noise seeds"  # and of exact networks


def plane_table_facts(part: Part, plan: Plan, name: str) -> TableFacts:
    """The facts of one of a part's tables; of exact networks without training seeds."""
    table = part.params.tables[name]
    world, sets = part.params.worlds[table.world], _sets(plan, name)
    exact = any(s.drawing and _is_exact(plan, s) for s in sets.values())
    (points,) = plan.nodes[next(iter(sets.values())).metrics].parents["points"]
    plain = table_facts(part, plan, name)
    said = f"points of world {table.world}, {world.classes} classes of depth {world.depth}"
    seeds = [] if exact else plain.training_seeds
    return replace(plain, dataset=said, training_seeds=seeds, index=points)


def plane_row_facts(part: Part, plan: Plan, table: str, name: str) -> RowFacts:
    """The facts of one of a table's rows."""
    params, row = part.params, part.params.tables[table].rows[name]
    sets = [one for (_, own, _), one in _sets(plan, table).items() if own == name]
    measured = list(dict.fromkeys(one.metrics for one in sets))
    common = {
        "name": name,
        "label": row.label or name,
        "kind": plan.nodes[measured[0]].kind,
        "measured": measured,
        "shown": measured[0],
    }
    if row.truth:
        return RowFacts(**common, recipe=TRUTH, real=True, over=TRUE_SAMPLES)
    drawing = sets[0].drawing
    steps = len(drawing.methods)
    return RowFacts(
        **common,
        recipe=recipe_text(params, row.model),
        over=NOISE if _is_exact(plan, sets[0]) else "seeds",
        conditional=drawing.start["conditional"],
        sampler=f"{drawing.start['solver']}, {steps} steps, shift {params.sampling.shift:g}",
        guidance=guidance_facts(params, row, drawing),
        trained=trained_facts(params, row.model) if params.training else [],
        times=drawing.start["times"],
        steps=encode(drawing.methods),
        forwards=drawing.forwards / steps,
    )


def recipe_text(params, model: str) -> str:
    """Where a network comes from, in words."""
    if model in params.exact:
        errors = params.exact[model].model_dump(exclude_defaults=True)
        said = ", ".join(f"{name} {value:g}" for name, value in errors.items())
        return f"{model}: exact, {said or 'without error'}"
    weak = params.weak.get(model)
    recipe = params.recipes[weak.recipe if weak else model]
    if weak is None:
        return f"{model}: {recipe.objective.name}, {recipe.steps} steps"
    return f"{weak.recipe} at step {weak.at(recipe.steps)}"


def _sets(plan: Plan, table: str) -> dict:
    """A table's sample sets, by table, row and training seed."""
    return {member: one for member, one in plan.sets.items() if member[0] == table}


def _is_exact(plan: Plan, one) -> bool:
    return plan.nodes[one.drawing.model].spec.get("kind") == "exact"

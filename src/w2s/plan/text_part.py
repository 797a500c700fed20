"""The plan of a part with images of prompts."""

from __future__ import annotations

from w2s.errors import UserError
from w2s.metrics.score_registry import SCORES
from w2s.params.parts import Part
from w2s.params.pipelines import (
    constants_of,
    lacking_files,
    latents_of,
    prompt_length,
    score_files,
)
from w2s.params.world import TrainedPipeline
from w2s.pipelines.times import flow_times
from w2s.plan.facts import SCORE, RowFacts, guidance_facts, measured_by_column, table_facts
from w2s.plan.plan import Plan
from w2s.plan.planner import Planner
from w2s.plan.published import groups
from w2s.plan.rows import Rows
from w2s.plan.samples import add_sample_sets
from w2s.plan.sweep import plan_sweep_of, swept
from w2s.plan.text_cost import TextEstimator
from w2s.plan.text_nodes import TextNodes
from w2s.sampling.trajectories import encode

UNTRAINED = 0  # stands in the place of a training seed, of which a world has one alone
WIDTHS = {  # of what a network reads, beside the latents' channels
    "joint_attention_dim": "text",
    "pooled_projection_dim": "pooled text",
}


def plan_text(part: Part) -> Plan:
    """Everything the part consists of."""
    planned = _sampled(part)
    planned.groups.update(groups(part, planned, table_facts, text_row_facts))
    return planned


def plan_text_sweep(part: Part) -> Plan:
    """The part's sweep with all that it rests on; empty where it has none."""
    return plan_sweep_of(part, _sampled, text_row_facts)


def estimate_text_sweep(part: Part, planned: Plan) -> TextEstimator:
    """Estimates for the nodes of the sweep's plan, which draws other counts than the tables."""
    return TextEstimator(swept(part), planned)


def _sampled(part: Part) -> Plan:
    """All nodes up to the scores of every row."""
    planner = TextPlanner(part)
    planner.plan.index = planner.nodes.prompts
    planner.plan.sets.update(add_sample_sets(planner))
    return planner.plan


def text_networks(part: Part) -> list[dict]:
    """Configurations of the pipelines' networks, as they are used."""
    planner = TextPlanner(part)
    return [planner.network(name) for name in part.params.models]


class TextPlanner(Planner):
    """Planning images of prompts, by pipelines that are given or trained here."""

    def __init__(self, part: Part):
        super().__init__(part)
        self.nodes = TextNodes(part, self.add)

    @property
    def seeds(self):
        return (UNTRAINED,)

    def weights(self, name, seed):
        return self.nodes.weights(name)

    def network(self, name):
        folder = self.part.networks[name]
        tokens = folder.clip_tokens + prompt_length(folder, self.params.models[name])
        use = {"latents": list(latents_of(folder, self.params)), "text_tokens": tokens}
        return {**folder.transformer, **use}

    def times(self, row):
        folder = self.part.networks[row.model]
        _, height, width = latents_of(folder, self.params)
        patch = folder.transformer["patch_size"]
        tokens = (height // patch) * (width // patch)
        made = self.nodes.made(row.model)
        with self.part.at(*(("world", "shift") if made else ("models", row.model, "path"))):
            return flow_times(folder.scheduler, row.steps or self.params.sampling.steps, tokens)

    def start(self, row, config):
        sampling = self.params.sampling
        return {
            "solver": "euler",
            "seeds": list(sampling.seeds),
            "condition": "prompts",
            "prompts": self.part.data["prompts"],
            "per_prompt": sampling.per_prompt,
            "batch": sampling.batch,
            **sampling.arithmetic,
            "state": "fp32",
            "compile": False,
            "shape": list(config["latents"]),
        }

    def conditions(self, row):
        return {"embeddings": (self.nodes.embeddings(row.model),)}

    def refuse(self, row, drawing, networks):
        main, vae = networks["main"], self.part.networks[row.model].vae
        for name in sorted(networks.keys() - {"main"}):
            other = self.part.networks[name].vae
            fits = networks[name]["latents"] == main["latents"]
            fits &= bool(self.nodes.made(name)) == bool(self.nodes.made(row.model))
            if not fits or constants_of(other) != constants_of(vae):
                raise UserError(
                    f"'{name}' reads other latents than '{row.model}', so the two cannot be "
                    "compared; take a weak network of the same VAE"
                )
            for key, what in WIDTHS.items():
                if networks[name][key] != main[key]:
                    raise UserError(
                        f"'{name}' reads {what} of width {networks[name][key]} and '{row.model}' "
                        f"of {main[key]}; take a weak network with the same text encoders"
                    )

    def measured(self, table, name, drawing, finals):
        block = self.params.tables[table]
        images = self.nodes.images(block.rows[name].model, finals, name)
        there = [c for c in block.columns if not _lacking(self.part, c)]
        keys = [self.nodes.score(column, images, name) for column in there if column in SCORES]
        for pictures in self.nodes.compared:
            settings = pictures.params.metrics
            if set(there) & set(settings.metrics):
                with self.part.at("metrics"):
                    each = self.part.data["prompts"] * self.params.sampling.per_prompt
                    settings.check_count(each, "the images of a seed")
                keys.append(pictures.metrics_of_images(images, name))
        return tuple(keys) or (images,)


def _lacking(part: Part, column: str) -> list[str]:
    """Files that a column is measured with and that are not there."""
    return lacking_files(part.params, part.fingerprints, column)


def recipe_text(part: Part, model: str) -> str:
    """Where a pipeline comes from, in words."""
    block = part.params.models[model]
    if isinstance(block, TrainedPipeline):
        step = block.at(part.params.world.training.recipes[block.recipe].steps)
        return f"{model}: {block.recipe} at step {step}, trained on captions"
    return f"{model}: pretrained" + ("" if part.networks[model].t5 else ", without T5")


def text_row_facts(part: Part, plan: Plan, table: str, name: str) -> RowFacts:
    """The facts of one of a table's rows."""
    params, row = part.params, part.params.tables[table].rows[name]
    drawn, columns = plan.sets[table, name, UNTRAINED], params.tables[table].columns
    drawing, steps = drawn.drawing, len(drawn.drawing.methods)
    scored = {c: keys for c, keys in measured_by_column(plan, [drawn]).items() if c in columns}
    first = plan.nodes[drawn.measured[0]]
    sampling, prompts = params.sampling, part.data["prompts"]
    return RowFacts(
        name=name,
        label=row.label or name,
        kind=SCORE,
        measured=list(dict.fromkeys(key for keys in scored.values() for key in keys)),
        shown=first.parents["decoded"][0] if scored else first.key,
        recipe=recipe_text(part, row.model),
        scored=scored,
        files={c: files for c in columns if (files := score_files(params, c))},
        unavailable={c: ", ".join(paths) for c in columns if (paths := _lacking(part, c))},
        drawn={
            "n": prompts * sampling.per_prompt,
            "seeds": list(sampling.seeds),
            "prompts": prompts,
        },
        sampler=f"euler, {steps} steps, {params.width} × {params.height} pixels",
        guidance=guidance_facts(params, row, drawing),
        times=drawing.start["times"],
        steps=encode(drawing.methods),
        forwards=drawing.forwards / steps,
        published={c: p.model_dump() for c, p in row.published.items()},
        comparable=row.comparable,
        why=row.why,
    )


TEXT_ROWS = Rows(_sampled, text_row_facts, TextEstimator)

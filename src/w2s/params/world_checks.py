"""What must hold in a text part's world, and between it and what the part asks of it."""

from __future__ import annotations

from collections.abc import Iterator

from w2s.metrics.score_registry import SCORES
from w2s.params.checks import recipe_mistakes, size_mistakes
from w2s.params.model_checks import Mistake
from w2s.params.networks import snapshots
from w2s.params.text import TextParams, columns_asked
from w2s.params.world import Captions, TrainedPipeline, World
from w2s.strict import did_you_mean
from w2s.world.words import distinct_captions


def world_mistakes(params: TextParams) -> Iterator[Mistake]:
    """Every contradiction in the world, or with what uses it."""
    if params.world is None:
        yield from _missing_world(params)
        return
    inside = [*_names(params.world)] or [*_inside(params.world)]
    yield from (((("world", *at)), what) for at, what in inside)
    yield from _asked_of_it(params)
    if not inside:
        yield from _pipelines(params)


def _missing_world(params: TextParams) -> Iterator[Mistake]:
    """What only a world could give."""
    if isinstance(params.prompts, Captions):
        yield ("prompts", "world"), "there is no world to take captions of; describe one, or a file"
    for name, block in params.models.items():
        if isinstance(block, TrainedPipeline):
            what = "there is no world to train it in; describe one, or give a folder's path"
            yield ("models", name, "recipe"), what
    for at, column in columns_asked(params, SCORES):
        if SCORES[column].nodes:
            yield at, f"{column} reads networks that are trained in a world, and there is none"


def _names(world: World) -> Iterator[Mistake]:
    """Names that stand for nothing."""
    recipes = world.training.recipes
    for name, recipe in recipes.items():
        at = ("training", "recipes", name)
        asked = {"model": (recipe.model, world.models, "network under world.models")}
        if recipe.trunk:
            asked["from"] = (recipe.trunk[0], recipes, "recipe")
        for key, (wanted, valid, what) in asked.items():
            if wanted not in valid:
                yield (
                    (*at, key),
                    f"there is no {what} named '{wanted}'; {did_you_mean(wanted, valid)}",
                )
        if recipe.weak is not None:
            yield (*at, "weak"), "a world has no weak models; drop it"


def _inside(world: World) -> Iterator[Mistake]:
    """Blocks of the world that do not fit each other."""
    yield from size_mistakes(world)
    yield from recipe_mistakes(world)
    for name, recipe in world.training.recipes.items():
        if not recipe.conditional:
            at = ("training", "recipes", name, "conditional")
            yield at, "a pipeline draws images of prompts; drop it"
    if len(world.training.seeds) > 1:
        yield ("training", "seeds"), "a part with images of prompts has one training seed; give one"
    if world.towers.width % 2:
        yield ("towers", "width"), "must be a multiple of 2, the attention heads"
    yield from _clip(world)


def _clip(world: World) -> Iterator[Mistake]:
    clip, data = world.clip, world.data
    if clip is None:
        return
    if clip.width % 4:
        yield ("clip", "width"), "must be a multiple of 4, the attention heads"
    if data.resolution % clip.patch:
        yield ("clip", "patch"), f"must divide the images' {data.resolution} pixels a side"
    if clip.batch > (learnt := data.count - data.count // 10):
        yield ("clip", "batch"), f"must be at most {learnt}, the images that it learns from"


def _asked_of_it(params: TextParams) -> Iterator[Mistake]:
    """Prompts, sizes and scores that the world cannot give."""
    world, prompts = params.world, params.prompts
    for key in ("height", "width"):
        if getattr(params, key) != world.data.resolution:
            yield (key,), f"must be world.data.resolution ({world.data.resolution})"
    captions = isinstance(prompts, Captions)
    if captions and prompts.count:
        there = distinct_captions(world.data.count)
        if prompts.count > there:
            what = f"the world's {world.data.count} images have {there} captions; ask for no more"
            yield ("prompts", "count"), what
    for at, column in columns_asked(params, SCORES):
        if SCORES[column].nodes and not captions:
            yield at, f"{column} knows the world's captions alone; set prompts: {{world: true}}"
        if "clip" in SCORES[column].nodes and world.clip is None:
            yield at, f"{column} compares by the world's CLIP; describe one as world.clip"


def _pipelines(params: TextParams) -> Iterator[Mistake]:
    """Pipelines of recipes or snapshots that are not there."""
    recipes = params.world.training.recipes
    for name, block in params.models.items():
        if not isinstance(block, TrainedPipeline):
            continue
        if block.recipe not in recipes:
            hint = did_you_mean(block.recipe, recipes)
            what = f"there is no recipe under world.training named '{block.recipe}'; {hint}"
            yield ("models", name, "recipe"), what
            continue
        step, taken = block.at(recipes[block.recipe].steps), snapshots(params.world, block.recipe)
        if step not in taken:
            what = f"'{block.recipe}' has no snapshot at step {step}; it has "
            yield ("models", name, "fraction"), what + ", ".join(map(str, taken))

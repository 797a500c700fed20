"""What must hold between the blocks of a part whose every block is right in itself."""

from __future__ import annotations

from collections.abc import Iterator

from w2s.metrics.registry import BY_DINOV2, METRICS
from w2s.models.backbone import Shape
from w2s.models.registry import shape_of
from w2s.params.confirm import confirm_mistakes
from w2s.params.dinov2_checks import dinov2_mistakes
from w2s.params.model_checks import (
    Mistake,
    pairs,
    pretrained_networks,
    probed,
    untrained_kinds,
)
from w2s.params.networks import latent_factor, latent_shape, snapshots, untrained_head
from w2s.params.pictures import PictureParams, Row, Table
from w2s.params.probes import NONE, Probe, probe_mistakes
from w2s.params.sweep import sweep_mistakes, sweep_names
from w2s.params.tune import tune_mistakes, tune_names
from w2s.params.world import World
from w2s.strict import did_you_mean
from w2s.training import check


def mistakes(params: PictureParams) -> Iterator[Mistake]:
    """Every contradiction between two blocks."""
    yield from _names(params)
    if not any(_names(params)):
        models = (recipe_mistakes, weak_mistakes, untrained_kinds, pretrained_networks, pairs)
        measured = (_features, _metrics, _reference, dinov2_mistakes)
        for found in (size_mistakes, *models, *measured, _real_rows, _sweep):
            yield from found(params)
        yield from probe_mistakes(params, _as_table, mistakes)
        yield from probed(params)


def _as_table(probe: Probe) -> Table:
    """The table that a probe would be."""
    return Table(title="", columns=("forwards",), baseline=NONE, rows=probe.rows(Row))


def _names(params: PictureParams) -> Iterator[Mistake]:
    """Names that stand for nothing."""
    recipes, weak, pretrained = params.training.recipes, params.weak, params.pretrained
    models = [*recipes, *weak, *pretrained]
    asked = []  # path, name, valid names, what they are
    for name, recipe in recipes.items():
        at = ("training", "recipes", name)
        asked.append(((*at, "model"), recipe.model, params.models, "network under models"))
        if recipe.trunk:
            asked.append(((*at, "from"), recipe.trunk[0], recipes, "recipe"))
        if recipe.weak is not None:
            asked.append(((*at, "weak"), recipe.weak, weak, "weak model under weak"))
    for name, model in weak.items():
        sources = [*recipes, *pretrained]
        asked.append((("weak", name, "recipe"), model.recipe, sources, "recipe"))
        if name in recipes:
            yield ("weak", name), "the name is taken by a training recipe; choose another"
    for name in pretrained:
        if name in recipes or name in weak:
            taken = "training recipe" if name in recipes else "weak model"
            yield ("pretrained", name), f"the name is taken by a {taken}; choose another"
    for name, windows in params.guidance.items():
        for i, window in enumerate(windows):
            if (net := getattr(window, "weak", None)) is not None:
                at = ("guidance", name, i, "weak")
                asked.append((at, net, [*weak, *pretrained], "weak model under weak"))
    for name, table in params.tables.items():
        at = ("tables", name)
        asked.append(((*at, "baseline"), table.baseline, table.rows, "row of the table"))
        for row_name, row in table.rows.items():
            where = (*at, "rows", row_name)
            if not row.real:
                asked.append(((*where, "model"), row.model, models, "recipe or weak model"))
            if row.guidance is not None:
                entry = (row.guidance, params.guidance, "entry under guidance")
                asked.append(((*where, "guidance"), *entry))
    for key, block in {"sweep": params.sweep, "tune": params.tune}.items():
        if block:
            asked.append(((key, "model"), block.model, models, "recipe or weak model"))
    for at, name in (*sweep_names(params), *tune_names(params)):
        asked.append((at, name, params.guidance, "entry under guidance"))
    for path, name, valid, what in asked:
        if name not in valid:
            yield path, f"there is no {what} named '{name}'; {did_you_mean(name, valid)}"


def size_mistakes(params: PictureParams | World) -> Iterator[Mistake]:
    """Images, latents and patches that do not divide."""
    factor = latent_factor(params)
    if params.data.resolution % factor:
        yield ("data", "resolution"), f"must be a multiple of {factor}, by which the VAE shrinks"
        return
    if params.vae.kind == "trained":
        for i, channels in enumerate(params.vae.block_channels):
            if channels % params.vae.norm_groups:
                groups = params.vae.norm_groups
                yield ("vae", "block_channels", i), f"must be a multiple of norm_groups ({groups})"
    networks = {("models", name): network for name, network in params.models.items()} | {
        ("pretrained", name, "network"): block.network
        for name, block in params.pretrained.items()
        if block.network is not None
    }
    for at, network in networks.items():
        for key, what in network.mistakes(latent_shape(params)):
            yield (*at, key), what


def recipe_mistakes(params: PictureParams | World) -> Iterator[Mistake]:
    """Recipes that cannot start where they are to start, or lack what they train with."""
    recipes, every = params.training.recipes, params.training.snapshot_every
    for name, recipe in recipes.items():
        at = ("training", "recipes", name)
        if recipe.steps % every:
            yield (*at, "steps"), f"must be a multiple of training.snapshot_every ({every})"
        if recipe.objective.reads_weak != (recipe.weak is not None):
            yield (
                (*at, "weak"),
                "a weak model goes with the ag objective, or a window away_from: weak, and only "
                "with these",
            )
        shape, head = _shape(params, recipe.model), recipe.head_loss
        for key, what in check.mistakes(recipe.objective, shape, recipe.conditional, head):
            yield (*at, key), what
        if recipe.trunk:
            trunk_name, step = recipe.trunk
            trunk = recipes[trunk_name]
            if trunk.branch:
                yield (*at, "from"), f"'{trunk_name}' is itself a branch; name its trunk"
            elif trunk.model != recipe.model:
                yield (*at, "from"), f"'{trunk_name}' trains another network"
            elif trunk.conditional != recipe.conditional:
                yield (*at, "from"), f"of '{trunk_name}' and this recipe only one sees labels"
            elif step > trunk.steps:
                yield (*at, "from"), f"'{trunk_name}' is trained for {trunk.steps} steps only"
            elif step >= recipe.steps:
                yield (*at, "from"), f"step {step} leaves nothing of {recipe.steps} steps"
        if name in _behind(params, name):
            yield (*at, "weak"), "the weak model rests on this recipe itself; take another"


def _behind(params: PictureParams, name: str) -> set[str]:
    """The recipes that one rests on, through trunks and weak models."""
    recipes, found, todo = params.training.recipes, set(), [name]
    while todo:
        recipe = recipes[todo.pop()]
        used = {recipe.trunk[0]} if recipe.trunk else set()
        used |= {params.weak[recipe.weak].recipe} & recipes.keys() if recipe.weak else set()
        todo += used - found
        found |= used
    return found


def weak_mistakes(params: PictureParams) -> Iterator[Mistake]:
    """Weak models taken from steps, heads or blocks that are not there."""
    for name, weak in params.weak.items():
        if weak.recipe in params.pretrained:
            for key in ("step", "fraction", "ema"):
                if getattr(weak, key) is not None:
                    what = f"'{weak.recipe}' is pretrained and has no snapshots; drop it"
                    yield ("weak", name, key), what
            continue
        recipe = params.training.recipes[weak.recipe]
        shape = _shape(params, recipe.model)
        step, taken = weak.at(recipe.steps), snapshots(params, weak.recipe)
        key = "step" if weak.fraction is None else "fraction"
        if step not in taken:
            yield (
                ("weak", name, key),
                f"'{weak.recipe}' has no snapshot at step {step}; it has "
                f"{', '.join(map(str, taken))}",
            )
        if weak.part == "head" and shape.head_at is None:
            yield ("weak", name, "part"), f"models.{recipe.model} has no head; set its head_at"
        elif weak.part == "head" and (why := untrained_head(params, name)):
            yield ("weak", name, "part"), why
        if not isinstance(weak.part, str):
            for i, block in enumerate(weak.part.skip):
                if block >= shape.depth:
                    at = ("weak", name, "part", "skip", i)
                    yield at, f"there is no block {block}; blocks are 0 to {shape.depth - 1}"


def _shape(params: PictureParams, model: str) -> Shape:
    """Blocks and mid head of a network under models; the number of classes changes neither."""
    return shape_of(params.models[model].config(latent_shape(params), classes=1))


def _metrics(params: PictureParams) -> Iterator[Mistake]:
    """Metrics that the feature network or the number of images cannot give."""
    metrics, kind = params.metrics.metrics, params.features.kind
    for metric in metrics:
        if metric not in BY_DINOV2 and kind not in (networks := METRICS[metric].networks):
            yield (
                ("metrics", "metrics"),
                f"{metric} needs the {networks[0]} feature network, but features.kind is {kind}",
            )
    counts = {"sampling.per_seed": params.sampling.per_seed}
    if params.reference.kind == "images":
        limits = (params.reference.count, getattr(params.data, "count", None))
        if known := [limit for limit in limits if limit is not None]:
            counts["reference.count"] = min(known)
    tables = {("tables", name): table.columns for name, table in params.tables.items()}
    for key, block in {"sweep": params.sweep, "tune": params.tune}.items():
        if block:
            counts[f"{key}.per_seed"] = block.per_seed
            tables[key,] = block.columns
    least = min(counts, key=counts.get)
    if "kid" in metrics and params.metrics.kid_subset_size >= counts[least]:
        yield ("metrics", "kid_subset_size"), f"must be below {least} ({counts[least]})"
    for at, columns in tables.items():
        for i, column in enumerate(columns):
            if METRICS[column].scorer and column not in metrics:
                yield (*at, "columns", i), f"{column} is not among metrics.metrics"
    for name, table in params.tables.items():
        for row_name, row in table.rows.items():
            for column in row.published:
                if column not in table.columns:
                    at = ("tables", name, "rows", row_name, "published", column)
                    yield at, f"the table has no column {column}; add it, or drop this value"


def _features(params: PictureParams) -> Iterator[Mistake]:
    """A feature network that would have nothing to learn."""
    if params.features.kind == "trained" and getattr(params.data, "flat", False):
        yield (
            ("features", "kind"),
            "a network trained here learns to tell classes apart, and a flat folder is one class; "
            "take inception-v3-compat",
        )


def _reference(params: PictureParams) -> Iterator[Mistake]:
    """Published statistics in other features than the study's."""
    if params.reference.kind == "adm" and params.features.kind != "inception-v3-compat":
        yield (
            ("reference", "kind"),
            "adm holds Inception's statistics, and needs features.kind inception-v3-compat",
        )


def _real_rows(params: PictureParams) -> Iterator[Mistake]:
    """Rows of real images where there are too few of them, or in a row's place that they lack."""
    needed = len(params.sampling.seeds) * params.sampling.per_seed
    for name, table in params.tables.items():
        for row_name, row in table.rows.items():
            if row.real and row_name == table.baseline:
                yield ("tables", name, "baseline"), f"'{row_name}' is real images; take a model's"
            held_out = getattr(params.data, "held_out", needed)  # the toy world renders enough
            if row.real and held_out < needed:
                yield (
                    ("tables", name, "rows", row_name, "real"),
                    f"needs {needed} held-out images, as many as samples, but data.held_out is "
                    f"{held_out}; raise it, or drop the row",
                )


def _sweep(params: PictureParams) -> Iterator[Mistake]:
    """Sweep, search and confirmation that would not compare like with like."""
    yield from sweep_mistakes(params, METRICS)
    yield from tune_mistakes(params, METRICS, [*params.weak, *params.pretrained])
    yield from confirm_mistakes(params)

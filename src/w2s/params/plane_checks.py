"""What must hold between the blocks of a part with points whose every block is right in itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from w2s.guidance.windows import resolve
from w2s.params.checks import recipe_mistakes, weak_mistakes
from w2s.params.model_checks import Mistake
from w2s.params.planes import PlaneParams, PlaneProbe, PlaneTable
from w2s.params.probes import probe_mistakes
from w2s.plane.counts import judged
from w2s.sampling.trajectories import signals_of
from w2s.strict import did_you_mean

Where = tuple[str | int, ...]


def plane_mistakes(params: PlaneParams) -> Iterator[Mistake]:
    """Every contradiction between two blocks."""
    found = [*_names(params)]
    yield from found
    if not found:
        for mistakes in (_training, _tables, _points, _errors, _signals, _weak_networks, _sweep):
            yield from mistakes(params)
        yield from probe_mistakes(params, PlaneProbe.table, plane_mistakes)


def _names(params: PlaneParams) -> Iterator[Mistake]:
    """Names that stand for nothing, or for two things."""
    asked = []  # path, name, valid names, what they are
    for name, recipe in params.recipes.items():
        at = ("training", "recipes", name)
        asked.append(((*at, "model"), recipe.model, params.models, "network under models"))
        if recipe.trunk:
            asked.append(((*at, "from"), recipe.trunk[0], params.recipes, "recipe"))
        if recipe.weak is not None:
            asked.append(((*at, "weak"), recipe.weak, params.weak, "weak model under weak"))
    for name, weak in params.weak.items():
        asked.append((("weak", name, "recipe"), weak.recipe, params.recipes, "recipe"))
        if name in params.recipes:
            yield ("weak", name), "the name is taken by a training recipe; choose another"
    for name in params.exact:
        if name in params.recipes or name in params.weak:
            yield ("exact", name), "the name is taken by a trained network; choose another"
    for name, windows in params.guidance.items():
        for i, window in enumerate(windows):
            if (net := getattr(window, "weak", None)) is not None:
                at = ("guidance", name, i, "weak")
                asked.append((at, net, params.networks, "network"))
    for name, table in params.tables.items():
        at = ("tables", name)
        asked.append(((*at, "world"), table.world, params.worlds, "world under worlds"))
        asked.append(((*at, "baseline"), table.baseline, table.rows, "row of the table"))
        for row_name, row in table.rows.items():
            where = (*at, "rows", row_name)
            if row.model is not None:
                asked.append(((*where, "model"), row.model, params.networks, "network"))
            if row.guidance is not None:
                entry = (row.guidance, params.guidance, "entry under guidance")
                asked.append(((*where, "guidance"), *entry))
    swept = params.sweep.weights if params.sweep else ()
    entry = (params.guidance, "entry under guidance")
    asked += [(("sweep", "weights", name), name, *entry) for name in swept]
    for path, name, valid, what in asked:
        if name not in valid:
            yield path, f"there is no {what} named '{name}'; {did_you_mean(name, valid)}"


def _training(params: PlaneParams) -> Iterator[Mistake]:
    """Networks, recipes and weak models that do not fit together."""
    for name, network in params.models.items():
        for key, what in network.mistakes(params.latent):
            yield ("models", name, key), what
    if params.training:
        yield from recipe_mistakes(params)
        yield from weak_mistakes(params)


def _tables(params: PlaneParams) -> Iterator[Mistake]:
    """Tables that compare what cannot be paired."""
    for name, table in params.tables.items():
        at = ("tables", name)
        if table.rows[table.baseline].truth:
            yield (*at, "baseline"), f"'{table.baseline}' is true points; take a network's"
        kinds = {}  # whether exact: the first row or weak network that is so
        for row_name, row in table.rows.items():
            nets = [] if row.truth else [row.model, *_weak(params, row.guidance)]
            for net in nets:
                kinds.setdefault(net in params.exact, (row_name, net))
        if len(kinds) == 2:
            (one, trained), (other, exact) = kinds[False], kinds[True]
            yield (
                (*at, "rows", other),
                f"'{exact}' is exact and '{trained}' of row '{one}' is trained: rows of the one "
                "are paired by sampling seed and of the other by training seed; give each a table",
            )


def _points(params: PlaneParams) -> Iterator[Mistake]:
    """Points that cannot be judged, or that networks are trained on and shown as new ones."""
    worlds = {table.world: params.worlds[table.world] for table in params.tables.values()}
    name, world = max(worlds.items(), key=lambda item: item[1].classes)
    fit = judged(world.classes)
    if params.sampling.per_seed not in fit:
        yield (
            ("sampling", "per_seed"),
            f"must be {fit[0]} to {fit[-1]} for the {world.classes} classes of world '{name}', "
            f"not {params.sampling.per_seed}",
        )
    seeds = {seed for table in params.tables.values() for seed in seeds_of(params, table)}
    if params.points.seed in seeds | set(params.training.seeds if params.training else ()):
        yield ("points", "seed"), "is a seed of tables too; take another"


def _errors(params: PlaneParams) -> Iterator[Mistake]:
    """Errors that a world does not have room for."""
    for name, table in params.tables.items():
        depth = params.worlds[table.world].depth
        for net in _networks_of(params, table):
            errors = params.exact.get(net)
            if errors and errors.shallow is not None and errors.shallow >= depth:
                yield (
                    ("exact", net, "shallow"),
                    f"must be below the depth of {depth} of world '{table.world}', which table "
                    f"'{name}' samples",
                )


def _signals(params: PlaneParams) -> Iterator[Mistake]:
    """Methods that ask of an exact network, one block without a head, what it does not have."""
    exact = {
        row.guidance
        for table in params.tables.values()
        for row in table.rows.values()
        if row.guidance and row.model in params.exact
    }
    for name in sorted(exact):
        for i, window in enumerate(params.guidance[name]):
            methods = set(resolve([window.model_copy(update={"steps": None})], (1.0, 0.5, 0.0)))
            for signal in chain.from_iterable(map(signals_of, methods)):
                lacking = "a mid head" if signal.head else "blocks to skip" if signal.skip else None
                if lacking:
                    yield (
                        ("guidance", name, i, "method"),
                        f"{window.method} needs {lacking}, which an exact network does not have; "
                        "take a method that uses the null class or a weak net",
                    )
                    break


def _weak_networks(params: PlaneParams) -> Iterator[Mistake]:
    """Weak networks that are the main one, or that know no labels where that does."""
    for name, table in params.tables.items():
        for row_name, row in table.rows.items():
            for net in _weak(params, row.guidance):
                at = ("tables", name, "rows", row_name, "guidance")
                if same(params, row.model, net, table):
                    yield (
                        at,
                        f"its weak network '{net}' is the same as '{row.model}'; take one with "
                        "larger errors",
                    )
                elif _labelled(params, row.model) and not _labelled(params, net):
                    yield (
                        at,
                        f"'{net}' never saw labels and '{row.model}' did; take a weak network "
                        "with labels",
                    )


def same(params: PlaneParams, one: str, other: str, table: PlaneTable) -> bool:
    """Whether two names stand for networks that predict the same, whatever they are called."""
    if one in params.exact and other in params.exact:
        grown = params.worlds[table.world].grow()
        first, second = (params.exact[name].applied(grown) for name in (one, other))
        fields = ("weights", "means", "covariances")
        return all(np.array_equal(getattr(first, f), getattr(second, f)) for f in fields)
    if one in params.exact or other in params.exact:
        return False
    return _taken(params, one) == _taken(params, other)


def _taken(params: PlaneParams, name: str) -> tuple:
    """What the weights of a trained network are."""
    weak = params.weak.get(name)
    recipe = weak.recipe if weak else name
    steps, default = params.recipes[recipe].steps, params.sampling.ema
    if weak is None:
        return recipe, steps, default, "full"
    return recipe, weak.at(steps), weak.ema or default, weak.taken


def _labelled(params: PlaneParams, name: str) -> bool:
    if name in params.exact:
        return True
    source = params.weak[name].recipe if name in params.weak else name
    return params.recipes[source].conditional


def _weak(params: PlaneParams, guidance: str | None) -> list[str]:
    """The weak networks of a guidance."""
    windows = params.guidance[guidance] if guidance else ()
    nets = (getattr(window, "weak", None) for window in windows)
    return list(dict.fromkeys(net for net in nets if net is not None))


def _networks_of(params: PlaneParams, table: PlaneTable) -> list[str]:
    """Every network of a table, weak ones too."""
    rows = [row for row in table.rows.values() if not row.truth]
    nets = (net for row in rows for net in (row.model, *_weak(params, row.guidance)))
    return list(dict.fromkeys(nets))


def seeds_of(params: PlaneParams, table: PlaneTable) -> tuple[int, ...]:
    """The sampling seeds of a table."""
    return table.seeds or params.sampling.seeds


def _sweep(params: PlaneParams) -> Iterator[Mistake]:
    """A sweep that would not compare like with like."""
    sweep = params.sweep
    if sweep is None:
        return
    guided = {row.guidance for table in params.tables.values() for row in table.rows.values()}
    for name, weights in sweep.weights.items():
        at, windows = ("sweep", "weights", name), params.guidance[name]
        if not windows or not all(isinstance(window.weight, float) for window in windows):
            yield at, "this guidance has no window, or a schedule; only numbers are swept"
        for i, tried in enumerate(weights):
            if isinstance(tried, tuple) and len(tried) != len(windows):
                yield (*at, i), f"must have a weight for each of the {len(windows)} windows"
        if name not in guided:
            yield at, "no row of a table is guided by it; drop it, or add a row"
    if len({len(weights) for weights in sweep.weights.values()}) > 1:
        yield ("sweep", "weights"), "every entry must try as many weights as the others"
    for table in params.tables.values():
        if both := set(sweep.seeds) & set(seeds_of(params, table)):
            yield ("sweep", "seeds"), f"seed {min(both)} is one of a table's; take others"
            return
    if "energy" not in sweep.columns:
        yield ("sweep", "columns"), "must hold energy, which the weights are chosen by"

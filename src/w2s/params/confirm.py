"""Parameters of the confirmation: what was tuned, on seeds that no search has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

from pydantic import Field

from w2s.params.adopted import Adopted
from w2s.params.data import Distinct, Seed
from w2s.params.tune import Mistake, Tune
from w2s.strict import Strict
from w2s.tuning.paths import value_at

CONFIRM, RETRAINED = "confirm", "confirm-retrained"
BASELINE = "none"


class Confirm(Strict):
    """Fresh seeds for the entries that were tuned, as they stand under guidance."""

    seeds: Annotated[tuple[Seed, ...], Field(min_length=10), Distinct]
    """Sampling seeds, at least ten, which nothing was chosen by and no table uses."""
    training_seeds: Annotated[tuple[Seed, ...], Distinct] = ()
    """Seeds of networks trained afresh, at least two, for a second table; none: no such table."""


def confirm_mistakes(params) -> Iterator[Mistake]:
    """A confirmation that would show again what was seen in choosing."""
    confirm = params.confirm
    if confirm is None:
        return
    if params.tune is None:
        yield ("confirm",), "there is nothing to confirm without a block tune"
        return
    if len(confirm.training_seeds) == 1:
        yield ("confirm", "training_seeds"), "must be at least two, or none"
    if confirm.training_seeds and not hasattr(params, "training"):
        yield ("confirm", "training_seeds"), "this part trains no networks for its rows; drop it"
    used = {"sampling": params.sampling, "sweep": params.sweep, "tune": params.tune}
    for name, block in used.items():
        if block and (both := set(confirm.seeds) & set(block.seeds)):
            what = "which the search used" if name == "tune" else "used already"
            yield (
                ("confirm", "seeds"),
                f"seed {min(both)} is one of {name}.seeds, {what}; take others",
            )


def confirm_tables(params, own: Callable[[str], str], adopted: Adopted | None) -> dict[str, Strict]:
    """The tables of a confirmation by name, with a row for each method that is tuned.

    own: makes a name one of the part's own.  adopted: what was entered under guidance last.
    """
    if getattr(params, "confirm", None) is None:  # a kind of part may have no such block
        return {}
    tune, table = params.tune, type(next(iter(params.tables.values())))
    rows = {BASELINE: {"label": "no guidance", "model": tune.model}} | {
        name: {"label": label(tune, params.guidance, name), "model": tune.model, "guidance": name}
        for name in tune.methods
    }
    fresh = "Guidance methods on seeds that nothing was chosen by"
    titles = {CONFIRM: fresh}
    if params.confirm.training_seeds:
        titles[RETRAINED] = f"{fresh}, with networks trained afresh"
    chosen = how_chosen(params, adopted)
    return {
        own(kind): table.model_validate(
            {"title": f"{title}. {chosen}", "columns": tune.columns, "baseline": BASELINE}
            | {"rows": rows}
        )
        for kind, title in titles.items()
    }


def label(tune: Tune, guidance, name: str) -> str:
    """A method and the values that its entry has in the places that are tuned."""
    values = (
        f"{key} {spelled(value_at(guidance[name], free.at[0]))}"
        for key, free in tune.methods[name].items()
    )
    return f"{name}: {', '.join(values)}"


def spelled(value) -> str:
    """A value of a free number or choice in a label."""
    if isinstance(value, tuple):
        return "+".join(map(str, value))
    return str(value) if isinstance(value, str) else f"{value:g}"


def how_chosen(params, adopted: Adopted | None) -> str:
    """A sentence or two on where the values come from, and after how many evaluations."""
    methods = adopted.methods if adopted else {}
    searched = [n for n in params.tune.methods if n in methods and methods[n].holds(params, n)]
    others = [name for name in params.tune.methods if name not in searched]
    if not searched:
        return "No value was chosen by the search"
    counts = sorted({methods[name].evaluations for name in searched})
    each = " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))
    said = f"Values chosen by a search with {each} evaluations of each method ({adopted.date})"
    return f"{said}, but not those of {', '.join(others)}" if others else said

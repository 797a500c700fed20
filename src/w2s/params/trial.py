"""What `w2s plane` is asked for: read from its arguments, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from w2s.errors import UserError
from w2s.guidance.base import Method
from w2s.guidance.windows import Window, resolve
from w2s.keypaths import spelled
from w2s.params.guidance_choice import Entries, choose_guidance
from w2s.plane.errors import Errors
from w2s.plane.tree import WORLDS, World
from w2s.sampling.grid import time_grid
from w2s.sampling.trajectories import nets_of, signals_of
from w2s.sentences import sentences
from w2s.strict import did_you_mean

TIMES = time_grid(32, shift=0.2)  # Heun's; 20 even steps of Euler would lose 8 % of the spread
MOST = 12_000  # points
EXACT = "exact"


@dataclass(frozen=True)
class Trial:
    """One guidance to try on networks whose errors are known."""

    world_name: str
    world: World
    main: Errors
    weak: Errors | None
    guidance_name: str
    guidance: tuple[Window, ...]
    points: int
    seed: int

    @property
    def methods(self) -> list[Method | None]:
        """What is done at each step."""
        return resolve(self.guidance, TIMES)

    @property
    def weak_names(self) -> list[str]:
        """What the guidance calls the weak network."""
        return nets_of(self.methods)


def read_trial(
    *,
    world: str,
    main: str,
    weak: str | None,
    guidance: str,
    points: int | None,
    seed: int,
    entries: Entries,
    worlds: Mapping[str, World] = WORLDS,
) -> Trial:
    """The arguments of `w2s plane` as a trial.

    entries: gives the study's entries under `guidance`, and the files they are set in; asked only
        where `guidance` is not a file.
    worlds: by name, those that may be asked for.

    Raises:
        UserError: anything the user can mend, before anything is computed.
    """
    if world not in worlds:
        raise UserError(
            f"--world: there is no world named '{world}'; {did_you_mean(world, worlds)}"
        )
    grown = worlds[world]
    strong = _errors("--main", main, grown)
    weaker = None if weak is None else _errors("--weak", weak, grown)
    if weaker is not None and _same(strong, weaker, grown):
        raise UserError("--weak: is the same network as --main; give it larger errors")
    fewest = 10 * grown.classes
    points = max(2400, 150 * grown.classes) if points is None else points
    if not fewest <= points <= MOST:
        raise UserError(f"--points: must be {fewest} to {MOST} in this world, not {points}")
    if not 0 <= seed < 2**31:
        raise UserError(f"--seed: must be at least 0 and below 2^31, not {seed}")
    name, windows, where = choose_guidance(guidance, entries)
    trial = Trial(world, grown, strong, weaker, name, windows, points, seed)
    _check_signals(trial, where)
    return trial


def check_picture(path: Path) -> None:
    """Refuse a picture that could not be written once it is drawn."""
    if path.suffix.lower() != ".png":
        raise UserError(f"--out: {path} must end in .png, the format of the picture")
    if not path.parent.is_dir():
        raise UserError(f"--out: there is no folder {path.parent}; make it or choose another")


def _errors(flag: str, text: str, world: World) -> Errors:
    """Errors as ``blur=0.1,smooth=0.03``, or `exact` for none."""
    given: dict[str, float | int | str] = {}
    for part in [] if text == EXACT else text.split(","):
        name, equals, value = part.partition("=")
        if not equals:
            raise UserError(f"{flag}: must be exact or like blur=0.1,smooth=0.03, not '{text}'")
        if name in given:
            raise UserError(f"{flag}: {name} appears twice")
        given[name] = _number(value)
    try:
        errors = Errors(**given)
    except ValidationError as error:
        found = sentences(error.errors(include_url=False), given)
        raise UserError("\n".join(f"{flag}: {spelled(at)}: {what}" for at, what in found)) from None
    if errors.shallow is not None and errors.shallow >= world.depth:
        raise UserError(f"{flag}: shallow: must be below the world's depth of {world.depth}")
    return errors


def _number(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _same(one: Errors, other: Errors, world: World) -> bool:
    """Whether two networks predict the same, whatever their errors are called."""
    first, second = (errors.applied(world.grow()) for errors in (one, other))
    pairs = [(getattr(first, n), getattr(second, n)) for n in ("weights", "means", "covariances")]
    return all(np.array_equal(a, b) for a, b in pairs)


def _check_signals(trial: Trial, where: Callable[..., str]) -> None:
    """Refuse windows that overlap, and what an exact network, one block without a head, lacks."""
    try:
        resolve(trial.guidance, TIMES)
    except UserError as error:
        raise UserError(f"{where()}: {error}") from None
    for i, window in enumerate(trial.guidance):
        methods = set(resolve([window], TIMES))
        for signal in chain.from_iterable(map(signals_of, methods)):
            lacking = "a mid head" if signal.head else "blocks to skip" if signal.skip else None
            if lacking:
                raise UserError(
                    f"{where(i, 'method')}: {window.method} needs {lacking}, which an exact "
                    "network does not have; take a method that uses the null class or a weak net"
                )
    if trial.weak_names and trial.weak is None:
        raise UserError(
            f"--weak: {trial.guidance_name} asks for the weak network "
            f"'{trial.weak_names[0]}'; say what it gets wrong, such as --weak smooth=0.06"
        )

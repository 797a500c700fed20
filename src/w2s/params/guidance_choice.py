"""A guidance that a command is given: a file of its own, or a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from w2s.errors import UserError
from w2s.guidance.reading import read_guidance
from w2s.guidance.registry import METHODS
from w2s.guidance.windows import Window
from w2s.keypaths import spelled, written
from w2s.params.files import Layers, read_any
from w2s.strict import did_you_mean

NONE = "none"  # the name of no guidance
Entries = Callable[[], tuple[Mapping[str, tuple[Window, ...]], Layers]]


def choose_guidance(
    given: str, entries: Entries, methods: bool = False
) -> tuple[str, tuple[Window, ...], Callable[..., str]]:
    """Name, windows, and where a key of theirs was set.

    entries: gives the study's entries under `guidance`, and the files they are set in; asked only
        where `given` is not a file.
    methods: whether the name may also be that of a method, for its example at the middle of the
        weights that it sweeps, or `none`.

    Raises UserError for a name that nothing has, and for mistakes in a file.
    """
    path = Path(given)
    if path.is_file():
        data = read_any(path)
        windows = read_guidance(data, str(path))
        return path.stem, windows, lambda *key: _joined(str(path), spelled(written(key, data)))
    named, layers = entries()
    if given in named:
        return given, named[given], lambda *key: layers.where(("guidance", given, *key))
    if methods and given in (NONE, *METHODS):
        windows = () if given == NONE else read_guidance(_example(given))
        return given, windows, lambda *key: _joined("--guidance", given, spelled(key))
    or_method = ", nor a method" if methods else ""
    hint = did_you_mean(given, [*named, *METHODS] if methods else named)
    raise UserError(
        f"--guidance: '{given}' is neither a file nor an entry of "
        f"{layers.where(('guidance',))}{or_method}; {hint}"
    )


def _example(name: str) -> dict:
    method = METHODS[name]
    weight = method.sweep[len(method.sweep) // 2]
    return {"method": name, "weight": weight, **method.example}


def _joined(*parts: str) -> str:
    return ": ".join(filter(None, parts))

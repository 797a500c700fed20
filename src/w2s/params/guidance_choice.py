"""A guidance that a command is given: a file of its own, or a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from w2s.errors import UserError
from w2s.guidance.reading import read_guidance
from w2s.guidance.windows import Window
from w2s.keypaths import spelled, written
from w2s.params.files import Layers, read_any
from w2s.strict import did_you_mean

Entries = Callable[[], tuple[Mapping[str, tuple[Window, ...]], Layers]]


def choose_guidance(
    given: str, entries: Entries
) -> tuple[str, tuple[Window, ...], Callable[..., str]]:
    """Name, windows, and where a key of theirs was set.

    entries: gives the study's entries under `guidance`, and the files they are set in; asked only
        where `given` is not a file.

    Raises UserError for a name that no entry has, and for mistakes in a file.
    """
    path = Path(given)
    if not path.is_file():
        named, layers = entries()
        if given not in named:
            raise UserError(
                f"--guidance: '{given}' is neither a file nor an entry of "
                f"{layers.where(('guidance',))}; {did_you_mean(given, named)}"
            )
        return given, named[given], lambda *key: layers.where(("guidance", given, *key))
    data = read_any(path)

    def where(*key) -> str:
        return ": ".join(filter(None, (str(path), spelled(written(key, data)))))

    return path.stem, read_guidance(data, str(path)), where

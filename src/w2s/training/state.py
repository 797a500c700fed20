"""Training state on disk: whole or absent, checked before use, the one before it kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from w2s.files import replacing, sha256


def write(path: Path, tensors: dict[str, Tensor], facts: dict) -> None:
    """A safetensors file with the JSON object `facts` in its header; the same bytes every time.

    The disk has it before `path` names it.
    """
    # One key only: safetensors writes several in no particular order.
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with replacing(path, durable=True) as scratch:
        save_file(plain, scratch, metadata={"facts": json.dumps(facts, sort_keys=True)})


def read(path: Path) -> tuple[dict[str, Tensor], dict]:
    """The tensors and facts of a file that `write` made."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, json.loads(file.metadata()["facts"])


class States:
    """The saved states of one run, each named by its step and the SHA-256 of its bytes.

    The newest two are kept: while one is being written or turns out damaged, the other is whole.
    """

    def __init__(self, folder: Path, log: Callable[[str], None]):
        self.folder, self.log = folder, log
        folder.mkdir(parents=True, exist_ok=True)

    def save(self, step: int, tensors: dict[str, Tensor], facts: dict) -> None:
        """Keep this state, and of the older ones the newest."""
        fresh = self.folder / "fresh.safetensors"
        write(fresh, tensors, facts)
        fresh.replace(self.folder / f"state-{step:09d}-{sha256(fresh)}.safetensors")
        for old in self._found()[2:]:
            old.unlink()

    def latest(self) -> tuple[dict[str, Tensor], dict] | None:
        """The newest state that is whole, with the snapshots it speaks of; None if there is none.

        A damaged one is named in the log, set aside as ``*.damaged``, and never read again.
        """
        for path in self._found():
            if problem := self._problem(path):
                path.rename(path.with_suffix(".damaged"))
                self.log(f"training state {path} is unusable ({problem}): set aside as *.damaged")
            else:
                return read(path)
        return None

    def _found(self) -> list[Path]:
        return sorted(self.folder.glob("state-*.safetensors"), reverse=True)

    def _problem(self, path: Path) -> str | None:
        if sha256(path) != path.stem.rsplit("-", 1)[1]:
            return "its checksum is wrong"
        facts = read(path)[1]
        for name, checksum in facts["snapshots"].items():
            snapshot = self.folder / "snapshots" / name
            if not snapshot.exists() or sha256(snapshot) != checksum:
                return f"its snapshot {name} is absent or damaged"
        return None

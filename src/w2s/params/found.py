"""What a part's data set and files are on this machine."""

from __future__ import annotations

from pathlib import Path

from w2s.params.data import FolderData
from w2s.params.fingerprint import count_classes, fingerprint


def find_data(params, where: str) -> dict:
    """Look at the data set once: what it is called, how many classes it has, what it contains.

    where: the file and key that name its folder.

    Raises:
        UserError: there is no such folder, or it has no sub-folders.
    """
    data = params.data
    if not isinstance(data, FolderData):
        return {"name": data.name, "classes": data.classes, "fingerprint": None, "path": None}
    path = Path(data.path)
    return {
        "name": data.name or path.resolve().name,
        "classes": data.classes or count_classes(path, where, data.flat),
        "fingerprint": data.fingerprint or fingerprint(path),
        "path": data.path,
    }


def find_files(params) -> dict[str, str]:
    """Fingerprints of VAE, feature networks, reference and pretrained networks given by path."""
    blocks = {name: getattr(params, name) for name in ("vae", "features", "dinov2", "reference")}
    blocks |= {f"pretrained.{name}": block for name, block in params.pretrained.items()}
    return {
        name: block.fingerprint or fingerprint(Path(block.path))
        for name, block in blocks.items()
        if hasattr(block, "path")
    }

"""Where images lie: in a folder, as a person keeps them, or in one file, as a node does."""

from __future__ import annotations

import errno
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Protocol
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from w2s.data.formats import SUFFIXES
from w2s.job import Job

PACK = "images.zip"  # of an images node
FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # ZIP's own: a pack's bytes are those of its images alone


class Source(Protocol):
    """Class folders of image files; str() names the place.  Names are relative, with slashes."""

    def exists(self) -> bool:
        """Whether there is anything."""

    def folders(self) -> list[str]:
        """The names of the folders that are not hidden, sorted."""

    def loose(self) -> list[str]:
        """What is named like an image and lies in no folder, sorted."""

    def files(self, folder: str) -> list[str]:
        """The files below a folder, sorted; no hidden ones."""

    def read(self, file: str) -> bytes:
        """The content of a file; raises OSError."""


class Folder:
    """Images in a folder of the file system."""

    def __init__(self, root: Path):
        self.root = root

    def __str__(self) -> str:
        return str(self.root)

    def exists(self) -> bool:
        return self.root.is_dir()

    def folders(self) -> list[str]:
        found = (path.name for path in self.root.iterdir() if path.is_dir())
        return sorted(name for name in found if not name.startswith("."))

    def loose(self) -> list[str]:
        found = (path for path in self.root.iterdir() if not path.is_dir())
        return sorted(path.name for path in found if _like_an_image(path))

    def files(self, folder: str) -> list[str]:
        """The files below a folder; a link that leads nowhere counts as one."""
        paths = (path for path in (self.root / folder).rglob("*") if not path.is_dir())
        names = sorted(path.relative_to(self.root) for path in paths)
        return [name.as_posix() for name in names if not _hidden(name)]

    def read(self, file: str) -> bytes:
        return (self.root / file).read_bytes()


class Pack:
    """Images in one uncompressed ZIP file: a store counts, copies and verifies it at once."""

    def __init__(self, path: Path):
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    @cached_property
    def _archive(self) -> ZipFile:
        return ZipFile(self.path)

    @cached_property
    def _names(self) -> list[PurePosixPath]:
        names = map(PurePosixPath, self._archive.namelist())
        return sorted(name for name in names if not _hidden(name))

    def exists(self) -> bool:
        return self.path.is_file()

    def folders(self) -> list[str]:
        return sorted({name.parts[0] for name in self._names if len(name.parts) > 1})

    def loose(self) -> list[str]:
        return [str(name) for name in self._names if len(name.parts) == 1 and _like_an_image(name)]

    def files(self, folder: str) -> list[str]:
        return [str(name) for name in self._names if name.parts[0] == folder and name.parts[1:]]

    def read(self, file: str) -> bytes:
        try:
            return self._archive.read(file)
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "it is not in the pack", file) from None


class Packing:
    """A pack being written, file by file."""

    def __init__(self, path: Path):
        self._archive = ZipFile(path, "w", ZIP_STORED)

    def __enter__(self) -> Packing:
        return self

    def __exit__(self, *error) -> None:
        self._archive.close()

    def add(self, name: str, content: bytes) -> None:
        """Add a file under this relative name."""
        info = ZipInfo(name, FIRST_DAY)
        info.create_system = 3  # the same bytes on every system
        self._archive.writestr(info, content)


def image_source(job: Job) -> Source:
    """The images of a job: its parent's pack, or the user's own folder."""
    if "images" in job.parents:
        return Pack(job.parent("images") / PACK)
    return Folder(Path(job.local["path"]))


def _like_an_image(path: PurePosixPath) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _hidden(name: PurePosixPath) -> bool:
    return any(part.startswith(".") for part in name.parts)

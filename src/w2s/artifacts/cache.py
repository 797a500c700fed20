"""DVC's cache: the project puts each file there itself, so that DVC never has to add one.

DVC adds a file by opening the object for writing with truncation; where another process has just
linked the same inode there, the bytes are gone from cache and store alike.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from w2s.errors import UserError, disk_full
from w2s.files import digests, replacing
from w2s.store.lease import held


@dataclass(frozen=True)
class Cache:
    """The objects of a DVC repository, files named by their MD5.

    link: how a bundle gets a file: "hardlink", "symlink" or "copy".
    """

    root: Path
    link: str

    @classmethod
    def here(cls) -> Cache:
        """The cache of the working directory's repository.

        Raises:
            UserError: it is no DVC repository, or its links could leave files missing.
        """
        from dvc.exceptions import NotDvcRepoError
        from dvc.repo import Repo

        try:
            with Repo() as repo:
                cache = repo.cache.local
                return cls(Path(cache.path), _link(cache.cache_types))
        except NotDvcRepoError:
            raise UserError(
                "this folder is no DVC repository; run `dvc repro` in a clone of the project, or "
                "`dvc init` first"
            ) from None

    def object(self, md5: str) -> Path:
        """Where the file with this MD5 is, or would be."""
        return self.root / md5[:2] / md5[2:]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone among the runs that put files into this cache."""
        self.root.mkdir(parents=True, exist_ok=True)
        with held(self.root / ".w2s"):
            yield

    def put(self, file: Path, told: dict) -> None:
        """Have the cache hold a verified file, as one inode with it where links are possible.

        told: its size and md5.  The caller holds the lock.
        """
        place = self.object(told["md5"])
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists() and not place.samefile(file):
            if digests(place)["md5"] == told["md5"]:
                _replace_by_link(place, file)
            else:
                place.unlink()  # damaged: what the store has is whole
        if not place.exists():
            _link_or_copy(file, place)
        place.chmod(0o444)

    def fetch(self, md5s: Iterable[str]) -> None:
        """Have the cache hold these objects, as far as the default remote has them.

        Without a remote nothing happens.

        Raises:
            UserError: the remote does not answer.
        """
        absent = {md5 for md5 in md5s if not self.object(md5).exists()}
        if not absent:
            return
        from dvc.config import NoRemoteError
        from dvc.repo import Repo
        from dvc_data.hashfile.hash_info import HashInfo

        with Repo() as repo:
            try:
                repo.cloud.pull({HashInfo("md5", md5) for md5 in absent})
            except NoRemoteError:
                return
            except Exception as error:  # each kind of remote has its own
                if disk_full(error):
                    raise
                raise UserError(
                    f"DVC's remote did not give what is recorded ({error}): give the same command "
                    "again when it answers"
                ) from error

    def place(self, md5: str, path: Path) -> None:
        """Have `path` show an object."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as scratch:
            if self.link == "hardlink":
                os.link(self.object(md5), scratch)
            elif self.link == "symlink":
                scratch.symlink_to(self.object(md5))
            else:
                shutil.copyfile(self.object(md5), scratch)

    def shows(self, md5: str, path: Path) -> bool:
        """Whether `path` shows an object: as its link or, if files are copied, by its content."""
        try:
            if self.link == "copy":
                return digests(path)["md5"] == md5
            return path.samefile(self.object(md5)) and path.is_symlink() == (self.link == "symlink")
        except FileNotFoundError:
            return False


def _link(configured: list[str] | None) -> str:
    """How bundles are linked, by DVC's `cache.type`."""
    types = configured or ["reflink", "copy"]
    if list(types) == ["reflink"]:
        raise UserError(
            "cache.type in .dvc/config is reflink alone, which leaves files missing on file "
            "systems without reflinks: set it by `dvc config cache.type reflink,hardlink,copy`"
        )
    return next(kind for kind in types if kind != "reflink")


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        with replacing(target) as scratch:
            shutil.copyfile(source, scratch)


def _replace_by_link(source: Path, target: Path) -> None:
    """Make two equal files one, where their file system can."""
    try:
        with replacing(target) as scratch:
            os.link(source, scratch)
    except OSError:
        return

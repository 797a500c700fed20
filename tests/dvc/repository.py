"""A clone of the project in which DVC records a finished small study."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from run_folder import ROOT, RunFolder

SHIPPED = ("Snakefile", "rules", "dvc.yaml", ".dvcignore", ".gitignore")
BIN = Path(sys.executable).parent


class Repository(RunFolder):
    """A run folder that has its own sources, in git and under DVC."""

    @classmethod
    def of(cls, folder: RunFolder, path: Path) -> "Repository":
        """That run's folder, copied, in a new repository."""
        folder.copy(path)
        for name in SHIPPED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, path / name)
        source = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src" / "w2s", path / "src" / "w2s", ignore=source)
        (path / "claims").mkdir()
        (path / "claims" / ".gitkeep").touch()  # of the small study there are none
        (path / ".dvc").mkdir()
        for name in ("config", ".gitignore"):
            shutil.copy(ROOT / ".dvc" / name, path / ".dvc" / name)
        made = cls(path, path / "src")
        made.run("git", "init", "-q")
        made.commit("A study")
        return made

    @property
    def environment(self) -> dict[str, str]:
        own = {"PATH": f"{BIN}:{os.environ['PATH']}", "DVC_NO_ANALYTICS": "true"}
        return super().environment | own

    def run(self, *words: str, status: int = 0) -> str:
        """A command of the shell; what it said."""
        done = subprocess.run(
            words, cwd=self.path, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        assert done.returncode == status, done.stdout
        return done.stdout

    def commit(self, message: str) -> None:
        self.run("git", "add", "-A")
        who = ("-c", "user.name=A person", "-c", "user.email=person@example.org")
        self.run("git", *who, "commit", "-q", "-m", message)

    def inodes(self, top: str) -> set[int]:
        """Of all files below a folder."""
        return {path.stat().st_ino for path in (self.path / top).rglob("*") if path.is_file()}

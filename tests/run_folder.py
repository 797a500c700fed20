"""A folder in which a study is run as a user runs it, and what the tests ask of it."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from forked_snakemake import Forked

from w2s.run.frozen import FrozenPlan

ROOT = Path(__file__).parents[1]
SMALL = ROOT / "tests" / "workflow" / "small.yaml"
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
WARM: dict[str, str] = {}  # where the tests' own warm process listens, once it runs


class RunFolder:
    """params.yaml, scales/, profiles/ and whatever snakemake makes beside them."""

    def __init__(self, path: Path, source: Path = ROOT / "src"):
        self.path, self.source = path, source

    @classmethod
    def create(cls, path: Path, study: Path = SMALL) -> "RunFolder":
        """A new folder with `study`, a file or a folder of parts, at scale smoke."""
        shutil.copytree(ROOT / "scales", path / "scales")
        shutil.rmtree(path / "scales" / "smoke")
        if study.is_dir():
            shutil.copytree(study, path / "scales" / "smoke")
        else:
            shutil.copy(study, path / "scales" / "smoke.yaml")
        for profiles in ("profiles", "slurm", "local"):
            shutil.copytree(ROOT / profiles, path / profiles)
        profile = (path / "profiles" / "default" / "config.yaml").read_text()
        (path / "profiles" / "plain").mkdir()  # the same decisions, in words that jobs() can read
        plain = profile.replace("logger: w2s\n", "")
        (path / "profiles" / "plain" / "config.yaml").write_text(plain)
        text = (ROOT / "params.yaml").read_text()
        (path / "params.yaml").write_text(text.replace("scale: mini", "scale: smoke"))
        return cls(path)

    def copy(self, path: Path) -> "RunFolder":
        """The same folder elsewhere, free to be changed."""
        shutil.copytree(self.path, path)
        return RunFolder(path)

    def edit(self, *changes: tuple[str, str]) -> None:
        """Replace texts in the study; each must occur."""
        file = self.path / "scales" / "smoke.yaml"
        text = file.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        file.write_text(text)

    def command(self, *arguments: str) -> list[str]:
        snakefile = str(ROOT / "Snakefile")
        return [*SNAKEMAKE, "-s", snakefile, "--cores", "1", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(self.source)} | WARM

    def start(self, *arguments: str, environment: dict | None = None) -> subprocess.Popen | Forked:
        """snakemake in a session of its own, as from a terminal of its own.

        Ctrl-C works there even if it does nothing here, as under nohup.
        """
        command, wanted = self.command(*arguments), environment or self.environment
        if command[:3] == SNAKEMAKE and wanted["PYTHONPATH"] == str(ROOT / "src"):
            return Forked(command[3:], self.path, wanted)
        return subprocess.Popen(
            command, cwd=self.path, env=wanted,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def snakemake(self, *arguments: str, status: int = 0, environment: dict | None = None) -> str:
        """Run it; what it said."""
        process = self.start(*arguments, environment=environment)
        output = process.communicate()[0]
        assert process.returncode == status, output
        return output

    def w2s(self, *arguments: str, status: int = 0) -> str:
        """Run a verb; what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "w2s", *arguments], cwd=self.path, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == status, done.stdout
        return done.stdout

    def jobs(self, *targets: str) -> set[str]:
        """What snakemake would run now: 'train sgg', 'cells_guidance cfg', 'table guidance'.

        The target rule `all` is left out.
        """
        output = self.snakemake(*targets, "-n", "--workflow-profile", "profiles/plain")
        found = set()
        # Jobs of a group stand deeper, below its name.
        pattern = r"^( *)(?:local)?rule (\S+):\n((?:\1    .*\n)*)"
        for _, rule, block in re.findall(pattern, output, re.M):
            wildcards = dict(re.findall(r"(\w+)=([^,\s]+)", _line(block, "wildcards")))
            label = self._label(wildcards, _line(block, "output"))
            found.add(f"{rule} {label}".strip())
        return found - {"all"}

    def _label(self, wildcards: dict, output: str) -> str:
        if "key" not in wildcards:
            return next(iter(wildcards.values()), "")
        plans = (self.path / ".w2s" / "plans").glob("*.jsonl")
        newest = max(plans, key=lambda path: path.stat().st_mtime_ns)
        node = FrozenPlan(newest).node(wildcards["key"])
        cut = f" to {node.spec['stop']}" if node.kind == "segment" else ""
        return node.label.partition(" ")[2] + cut

    def published(self) -> dict[str, str]:
        """Checksum of every published file."""
        results = self.path / "results"
        folders = [results / name for name in ("cells", "tables", "figures")]
        paths = [*results.glob("claims.*"), *(path for f in folders for path in f.rglob("*"))]
        return {
            str(path.relative_to(self.path)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in paths
            if path.is_file()
        }

    def stored(self) -> dict[str, dict[str, str]]:
        """Checksums of every node's files, as its manifest says."""
        manifests = (self.path / "results" / "store").glob("[a-z]*/*/manifest.json")
        return {
            "/".join(path.parts[-3:-1]): json.loads(path.read_text())["files"] for path in manifests
        }

    def node(self, kind: str, label: str = "") -> Path:
        """Directory of the only node with this kind and label."""
        folders = (self.path / "results" / "store" / kind).iterdir()
        (found,) = (folder for folder in folders if self.label(folder) == label)
        return found

    @staticmethod
    def label(node: Path) -> str:
        """What a published node calls itself, without its stage."""
        manifest = json.loads((node / "manifest.json").read_text())
        return manifest["label"].partition(" ")[2]

    def processes(self) -> list[int]:
        """Everything that runs in this folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (entry / "cwd").resolve(strict=True) == self.path.resolve():
                    found.append(int(entry.name))
            except OSError:
                continue  # it has ended meanwhile
        return found

    def kill(self) -> None:
        """SIGKILL for everything that runs in this folder."""
        while found := self.processes():
            for pid in found:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.05)


def _line(block: str, name: str) -> str:
    found = re.search(rf"^ +{name}: (.*)$", block, re.M)
    return found[1] if found else ""

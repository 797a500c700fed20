"""A folder in which a study is run by `snakemake --profile slurm`."""

import os
import sys
from pathlib import Path

from run_folder import ROOT, RunFolder
from slurm_cluster import Cluster

IMPATIENT = str(Path(__file__).with_name("impatient.py"))


class ClusterFolder(RunFolder):
    """Like a folder run locally, except for who runs the jobs."""

    cluster: Cluster

    @classmethod
    def on(cls, cluster: Cluster, folder: RunFolder) -> "ClusterFolder":
        """That folder, its jobs given to a cluster."""
        made = cls(folder.path)
        made.cluster = cluster
        return made

    def change_profile(self, *changes: tuple[str, str]) -> None:
        """Replace texts in slurm/config.yaml; each must occur."""
        file = self.path / "slurm" / "config.yaml"
        text = file.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        file.write_text(text)

    def command(self, *arguments: str) -> list[str]:
        snakefile = str(ROOT / "Snakefile")
        return [sys.executable, IMPATIENT, "-s", snakefile, "--profile", "slurm", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        own = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(self.source)}
        return os.environ | self.cluster.environment | own

"""A study of which one training is to be done, on a cluster that interrupts it."""

import os
import subprocess
import time
from functools import cached_property
from pathlib import Path

from cluster_folder import ClusterFolder

from w2s.params.load import load_study
from w2s.plan.study import plan
from w2s.run.tokens import token_path
from w2s.store import folders
from w2s.store.owner import Owner

LABEL = "train uncond"
STEPS = 1000  # some ten seconds, most of them for snapshots
CELL = "results/cells/unconditional/none/fd.json"


class TrainingFolder(ClusterFolder):
    """The training is made by `target`; all that it reads is there."""

    @cached_property
    def key(self) -> str:
        here = os.getcwd()
        os.chdir(self.path)
        try:
            nodes = plan(load_study(self.path / "params.yaml")).nodes
        finally:
            os.chdir(here)
        (key,) = (k for k, n in nodes.items() if n.label == LABEL)
        return key

    @property
    def target(self) -> str:
        return str(token_path("train", self.key))

    @property
    def manifest(self) -> Path:
        """What is there once the training is."""
        return self.path / folders.manifest_path("train", self.key)

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        self.driver = super().start(*arguments, **options)
        return self.driver

    def log(self) -> str:
        """What the training's newest attempt has said so far."""
        file = self.path / "results/logs/train" / f"{self.key}.log"
        return file.read_text() if file.exists() else ""

    def submitted(self) -> dict[str, str]:
        """State of each job that Slurm has seen for the training, the first first."""
        columns = "jobid:20,state:20,comment:100,workdir:300"
        seen = self.cluster.command(
            "squeue", "--noheader", "--states=all", "--sort=i", f"--Format={columns}"
        )
        found = (line.split() for line in seen.splitlines())
        mine = f"rule_train_wildcards_{self.key}", str(self.path)
        return {job: state for job, state, *whose in found if tuple(whose) == mine}

    def job(self, state: str) -> str:
        """The newest job of the training, once it is in this state."""

        def found():
            newest = list(self.submitted().items())[-1:]
            return next((job for job, now in newest if now == state), None)

        return self.cluster.wait(f"a job that is {state}", found)

    def worker(self, after: int = 0) -> int:
        """The process that trains, once it has begun to; another than `after`."""
        lease = self.path / folders.lease_path("train", self.key)

        def found():
            assert self.driver.poll() is None, self.driver.communicate()[0]
            owner = Owner.read(lease, 90.0)
            if owner is None or owner.pid == after or owner.pid not in self.processes():
                return None
            trains = "going on from step" in self.log() if after else self.state.exists()
            return owner.pid if trains else None

        pid = self.cluster.wait("the training process", found)
        time.sleep(0.5)  # some dozens of steps
        return pid

    @property
    def state(self):
        """Where the training saves what it goes on from."""
        return self.path / "state" / self.key

    def ended(self, worker: int) -> None:
        """Wait until this process has ended."""
        self.cluster.wait(f"the end of {worker}", lambda: worker not in self.processes())

    def at_once(self) -> None:
        """Spare a requeued job most of the two minutes that Slurm lets it wait."""
        time.sleep(5)  # a node refuses a job that it was told to end a moment ago

        def runs():
            job, state = list(self.submitted().items())[-1]
            begin = ("scontrol", "update", f"JobId={job}", "StartTime=now")
            if state == "PENDING":
                subprocess.run(begin, env=self.cluster.environment, capture_output=True)
            return state == "RUNNING"

        self.cluster.wait("the job's return", runs, every=1)

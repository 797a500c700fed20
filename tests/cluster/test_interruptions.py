"""A training job that a cluster interrupts ends with the bytes of an undisturbed run."""

import os
import shutil
import time

import pytest
from cluster_folder import ClusterFolder
from run_folder import RunFolder

from w2s.params.load import load_study
from w2s.plan.study import plan
from w2s.run.tokens import token_path
from w2s.store import folders

pytestmark = pytest.mark.cluster
STEPS = 4000  # some ten seconds
CELL = "results/cells/unconditional/none/fd.json"


@pytest.fixture(scope="session")
def undisturbed(finished, tmp_path_factory) -> RunFolder:
    """A local run with one training that takes its time; not to be changed."""
    folder = finished.copy(tmp_path_factory.mktemp("undisturbed") / "study")
    folder.edit(("conditional: false, steps: 4}", f"conditional: false, steps: {STEPS}}}"))
    folder.snakemake(CELL)
    return folder


class Training(ClusterFolder):
    """A study of which one training is to be done, by `target`."""

    @property
    def key(self) -> str:
        here = os.getcwd()
        os.chdir(self.path)
        try:
            nodes = plan(load_study(self.path / "params.yaml")).nodes
        finally:
            os.chdir(here)
        (key,) = (k for k, n in nodes.items() if n.label == "train uncond")
        return key

    @property
    def target(self) -> str:
        return str(token_path("train", self.key))

    def job(self, *states: str) -> str:
        """The training's job once it is in one of these states."""

        def found():
            jobs = self.cluster.jobs(*states).items()
            return next((job for job, comment in jobs if self.key in comment), None)

        return self.cluster.wait(f"a job that is {states}", found)

    def worker(self) -> int:
        """The process that trains, once it does."""

        def found():
            for pid in self.processes():
                words = _command(pid)
                if "train" in words and "w2s" in words:
                    return pid
            return None

        pid = self.cluster.wait("the training process", found)
        lease = self.path / folders.lease_path("train", self.key)
        self.cluster.wait("its lease", lease.exists)
        return pid


def _command(pid: int) -> list[str]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().decode().split("\0")
    except OSError:  # it has ended
        return []


@pytest.fixture
def training(cluster, undisturbed, tmp_path) -> Training:
    """That study without the one training and what rests on it."""
    study = Training.on(cluster, undisturbed.copy(tmp_path / "study"))
    study.w2s("recompute", CELL)
    shutil.rmtree(
        study.path / folders.node_dir("train", study.key)
    )  # the figure of all curves uses it too
    return study


def test_a_cancelled_training_is_tried_again_and_ends_with_the_same_bytes(training, undisturbed):
    process = training.start(training.target)
    first = training.worker()
    time.sleep(2)
    training.cluster.command("scancel", training.job())
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert training.stored().items() <= undisturbed.stored().items()
    assert (training.path / folders.manifest_path("train", training.key)).exists()
    assert first not in training.processes()
    assert not list((training.path / "results/store/.scratch").iterdir())

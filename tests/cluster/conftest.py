"""One Slurm for all tests of this folder."""

import shutil

import pytest
from cluster_folder import ClusterFolder
from run_folder import RunFolder
from slurm_cluster import Cluster
from training_folder import CELL, STEPS, TrainingFolder


@pytest.fixture(scope="session")
def cluster():
    """A running Slurm; where it cannot be brought up every test fails, and none is skipped."""
    slurm = Cluster()
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()


@pytest.fixture
def fresh(cluster, tmp_path) -> ClusterFolder:
    """The small study, nothing computed yet."""
    return ClusterFolder.on(cluster, RunFolder.create(tmp_path / "study"))


@pytest.fixture(scope="session")
def undisturbed(finished, tmp_path_factory) -> RunFolder:
    """A local run with one training that takes its time; not to be changed."""
    folder = finished.copy(tmp_path_factory.mktemp("undisturbed") / "study")
    folder.edit(("conditional: false, steps: 4}", f"conditional: false, steps: {STEPS}}}"))
    folder.snakemake(CELL)
    return folder


@pytest.fixture
def training(cluster, undisturbed, tmp_path) -> TrainingFolder:
    """That study without the one training and what rests on it."""
    study = TrainingFolder.on(cluster, undisturbed.copy(tmp_path / "study"))
    study.w2s("recompute", CELL)
    shutil.rmtree(study.manifest.parent)  # the figure of all curves uses it too
    return study

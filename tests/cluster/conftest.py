"""One Slurm for all tests of this folder."""

import pytest
from cluster_folder import ClusterFolder
from run_folder import RunFolder
from slurm_cluster import Cluster


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

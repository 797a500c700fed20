"""Where slurmdbd keeps accounts, Snakemake asks sacct what became of its jobs."""

import pytest
from accounting_cluster import AccountingCluster
from cluster_folder import ClusterFolder
from run_folder import RunFolder

pytestmark = pytest.mark.cluster


@pytest.fixture
def study(tmp_path):
    """The small study, nothing computed yet, on a cluster that keeps accounts."""
    slurm = AccountingCluster()
    try:
        slurm.start()
        folder = ClusterFolder.on(slurm, RunFolder.create(tmp_path / "study"))
        folder.change_profile(("slurm-status-command: squeue", "slurm-status-command: sacct"))
        yield folder
    finally:
        slurm.stop()


def test_jobs_that_fail_are_seen_by_sacct_and_tried_again(study, finished):
    said = study.w2s("doctor", "--profile", "slurm")
    assert "slurmdbd keeps accounts, and states are asked by sacct" in said
    queue = ("scontrol", "update", "PartitionName=gpu")
    study.cluster.command(*queue, "State=DOWN")
    process = study.start("--until", "render")
    study.cluster.wait("two jobs", lambda: len(study.cluster.jobs("PENDING")) == 2)
    plans = study.path / ".w2s/plans"
    away = plans.rename(plans.with_name("away"))  # which no job can begin without
    study.cluster.command(*queue, "State=UP")
    study.cluster.wait("their failure", lambda: states(study).count("FAILED") == 2)
    away.rename(plans)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert set(states(study)) == {"FAILED", "COMPLETED"}
    assert states(study).count("COMPLETED") == 2
    assert study.stored().items() <= finished.stored().items()
    assert len(study.stored()) == 2


def states(study: ClusterFolder) -> list[str]:
    """Of all jobs, as sacct knows them."""
    said = study.cluster.command("sacct", "-X", "--noheader", "--parsable2", "--format=State")
    return said.split()

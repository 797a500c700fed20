"""What a cluster's jobs owe to the process that drives them."""

import shutil

import pytest

pytestmark = pytest.mark.cluster


def test_a_job_in_the_queue_does_not_read_parameters_that_are_edited_meanwhile(fresh):
    queue = ("scontrol", "update", "PartitionName=gpu")
    fresh.cluster.command(*queue, "State=DOWN")
    try:
        process = fresh.start("--until", "render")
        fresh.cluster.wait("jobs", lambda: len(fresh.cluster.jobs("PENDING")) == 2)
        (fresh.path / "params.yaml").write_text("scale: none such\n")
        shutil.rmtree(fresh.path / "scales")
    finally:
        fresh.cluster.command(*queue, "State=UP")
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert {name.partition("/")[0] for name in fresh.stored()} == {"images"}
    assert "'none such' is no name" in fresh.snakemake("--until", "render", status=2)

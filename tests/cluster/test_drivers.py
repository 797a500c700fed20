"""The process that drives a study on a cluster dies, is started twice, or is told other things."""

import os
import shutil
import signal

import pytest
from cluster_folder import ClusterFolder

from w2s.run.tokens import token_path

pytestmark = pytest.mark.cluster


def test_after_a_driver_was_killed_one_of_two_others_goes_on(training, undisturbed):
    process = training.start(training.target)
    worker, job = training.worker(), training.job("RUNNING")
    process.kill()
    process.communicate()
    os.kill(worker, signal.SIGSTOP)
    others = [training.start(training.target) for _ in range(2)]
    waits = f"train-{training.key} is held by process {worker} on"
    training.cluster.wait("a second job", lambda: waits in training.log())
    os.kill(worker, signal.SIGCONT)
    said = [other.communicate()[0] for other in others]
    refused, done = sorted(zip((o.returncode for o in others), said, strict=True), reverse=True)
    assert (refused[0], done[0]) == (1, 0), said
    assert "another snakemake is at work in" in refused[1]
    assert "Traceback" not in refused[1]
    submitted = training.submitted()
    assert next(iter(submitted)) == job
    assert list(submitted.values()) == ["COMPLETED", "COMPLETED"]
    assert f"train {training.key} is there" in training.log()  # and was not made a second time
    assert training.stored().items() <= undisturbed.stored().items()
    assert (training.path / training.target).exists()


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


def test_a_damaged_node_that_a_job_finds_is_named_and_made_again(cluster, finished, tmp_path):
    study = ClusterFolder.on(cluster, finished.copy(tmp_path / "study"))
    extracted, trained = study.node("weights", "early"), study.node("train", "trunk")
    shutil.rmtree(extracted)
    state = trained / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-1] + b"?")
    target = str(token_path("weights", extracted.name))
    said = study.snakemake(target, "--retries", "0", status=1)
    where = trained.relative_to(study.path)
    assert f"w2s: {where} is damaged: state.safetensors does not have the recorded" in said
    assert "Traceback" not in said
    study.snakemake(target)
    assert study.stored() == finished.stored()

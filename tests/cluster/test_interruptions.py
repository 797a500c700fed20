"""A training job that a cluster interrupts ends with the bytes of an undisturbed run."""

import json
import os
import signal
import time
from datetime import datetime, timedelta

import pytest
from slurm_cluster import KILL_WAIT, NODE
from training_folder import TrainingFolder

pytestmark = pytest.mark.cluster
BUDGET = 0.2  # minutes


def cancel(study: TrainingFolder, worker: int) -> None:
    study.cluster.command("scancel", study.job("RUNNING"))


def time_limit(study: TrainingFolder, worker: int) -> None:
    """Slurm's own, brought forward; it looks twice a minute, and the job rests meanwhile."""
    os.kill(worker, signal.SIGSTOP)
    job, soon = study.job("RUNNING"), datetime.now() + timedelta(seconds=1)
    study.cluster.command("scontrol", "update", f"JobId={job}", f"EndTime={soon:%Y-%m-%dT%H:%M:%S}")
    study.cluster.wait("the limit", lambda: study.submitted()[job] != "RUNNING")
    os.kill(worker, signal.SIGCONT)


def requeue(study: TrainingFolder, worker: int) -> None:
    study.cluster.command("scontrol", "requeue", study.job("RUNNING"))
    study.at_once()


def node_failure(study: TrainingFolder, worker: int) -> None:
    """What ran on the node is gone, and Slurm notices afterwards."""
    study.cluster.kill_jobs()
    study.cluster.command("scontrol", "update", f"NodeName={NODE}", "State=DOWN", "Reason=test")
    study.job("PENDING")
    study.cluster.wait("the node's return", lambda: study.cluster.node_state().startswith("IDLE"))
    study.at_once()


def preemption(study: TrainingFolder, worker: int) -> None:
    urgent = ("sbatch", "--parsable", "-p", "urgent", "--exclusive", "-o", "/dev/null")
    job = study.cluster.command(*urgent, "--wrap", "sleep 1")
    study.job("PENDING")
    study.cluster.wait("the end of the urgent job", lambda: job not in study.cluster.jobs())
    study.at_once()


def killed_worker(study: TrainingFolder, worker: int) -> None:
    os.kill(worker, signal.SIGKILL)


# What Slurm requeues is the same job again; for the others Snakemake submits another.
REQUEUED = (requeue, node_failure, preemption)
FAILED = (cancel, time_limit, killed_worker)


@pytest.mark.parametrize("harms", [FAILED, REQUEUED], ids=["failed", "requeued"])
def test_an_interrupted_training_ends_with_the_same_bytes(training, undisturbed, harms):
    process, worker = training.start(training.target), 0
    for harm in harms:
        worker, before = training.worker(after=worker), worker
        assert before not in training.processes()
        harm(training, worker)
        training.ended(worker)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert len(training.submitted()) == (1 if harms is REQUEUED else 1 + len(harms)), output
    assert "going on from step" in training.log()
    assert training.stored().items() <= undisturbed.stored().items()
    assert training.manifest.exists()
    assert not training.processes()
    assert not list((training.path / "results/store/.scratch").iterdir())


def test_a_training_out_of_time_saves_its_state_and_the_retries_finish_it(training, undisturbed):
    params = training.path / "params.yaml"
    params.write_text(params.read_text().replace("minutes: null", f"minutes: {BUDGET}"))
    process = training.start(training.target, "--retries", "50")
    worker = training.worker()
    os.kill(worker, signal.SIGSTOP)  # or a quick machine would be done in time
    asked = _words(worker)
    assert float(asked[asked.index("--minutes") + 1]) == 11  # the job's; the study's is shorter
    time.sleep(60 * BUDGET)
    os.kill(worker, signal.SIGCONT)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert "the state is saved" in output
    assert "going on from step" in training.log()
    states = list(training.submitted().values())
    assert states == ["FAILED"] * (len(states) - 1) + ["COMPLETED"]  # and never TIMEOUT
    manifest = json.loads(training.manifest.read_text())
    assert manifest["execution"]["minutes"] == BUDGET
    assert training.stored().items() <= undisturbed.stored().items()


def test_a_job_that_ignores_term_is_killed_and_publishes_nothing_late(training, undisturbed):
    process = training.start(training.target)
    worker = training.worker()
    os.kill(worker, signal.SIGSTOP)  # neither TERM nor anything else reaches it
    first = training.job("RUNNING")
    training.cluster.command("scancel", first)
    training.cluster.wait("its end", lambda: worker not in training.processes(), 10 * KILL_WAIT)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert list(training.submitted().values()) == ["CANCELLED", "COMPLETED"]
    assert training.stored().items() <= undisturbed.stored().items()


def _words(pid: int) -> list[str]:
    """The command line of a process."""
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        return file.read().decode().split("\0")

"""Whatever is killed and whenever: the same command ends with the same bytes."""

import json
import os
import random
import re
import signal
import time

from w2s.store.lease import held


def test_killed_at_random_moments_it_ends_with_the_same_bytes(fresh, published):
    dice = random.Random(0)
    kills = 0
    while (process := fresh.start()) and _jobs_done(process, dice.randint(2, 9)):
        time.sleep(dice.random())
        fresh.kill()
        process.communicate()
        kills += 1
    process.communicate()
    assert process.returncode == 0
    assert kills >= 4
    assert fresh.published() == published
    assert fresh.jobs() == set()
    assert "0 damaged" in fresh.w2s("doctor", "--store")
    assert not (fresh.path / "results/store/.damaged").exists()


def test_interrupted_training_keeps_its_state_and_leaves_nothing_behind(fresh):
    fresh.edit(("steps: 8, from: trunk@4}", "steps: 40000, from: trunk@4}"))
    process = fresh.start()
    logs = fresh.path / "results/logs/train"
    while not _long(logs):
        assert process.poll() is None, process.stdout.read()
        time.sleep(0.1)
    status = json.loads(fresh.w2s("status", "--json"))
    assert status["run"]
    (training,) = [job for job in status["running"] if job["kind"] == "train"]
    assert (training["what"], training["total"]) == ("training step", 40000)
    assert 0 < training["done"] < 40000
    os.killpg(process.pid, signal.SIGINT)  # as a terminal's Ctrl-C does
    output = process.communicate()[0]
    status = json.loads(fresh.w2s("status", "--json"))
    assert (status["run"], status["running"]) == (None, [])
    (training,) = [job for job in status["trouble"] if job["kind"] == "train"]
    assert training["state"] == "stopped"
    assert "the state is saved" in training["said"]
    assert process.returncode != 0
    assert "the state is saved" in output
    assert "Traceback" not in output
    assert fresh.processes() == []
    assert list((fresh.path / "state").glob("*/state-*.safetensors"))
    assert list((fresh.path / "results/store/.scratch").iterdir()) == []
    nodes = (fresh.path / "results/store").glob("[a-z]*/*")
    assert all((node / "manifest.json").exists() for node in nodes)


def test_a_second_run_in_the_same_folder_is_refused(study):
    (study.path / "results/cells/guidance/ag/fd.json").unlink()
    with held(study.path / ".w2s/lease"):
        output = study.snakemake(status=1)
    assert "another snakemake is at work" in output
    assert "Traceback" not in output
    study.snakemake()


def _long(logs):
    """Logs of training that does not end by itself."""
    return [log for log in logs.glob("*.log") if "/40000" in log.read_text()]


def _jobs_done(process, count: int) -> bool:
    """Wait until a run has finished `count` jobs; False if it ends before."""
    for line in process.stdout:
        if (found := re.search(r"(\d+) of (\d+) jobs", line)) and int(found[1]) >= count:
            return int(found[1]) < int(found[2])
    return False

"""What a study's status says is what its store holds, at every moment of a run."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from w2s.cli import main
from w2s.run import status as looking
from w2s.run.status import Told, Watcher
from w2s.run.status_text import as_json, as_text, watch
from w2s.run.telling import Telling
from w2s.store import folders
from w2s.store.lease import RUN, Lease
from w2s.store.owner import Owner

HOUR = 3600.0


@pytest.fixture
def watcher(study_folder):
    """Of the smoke study, in a folder where it has never run."""
    return Watcher(study_folder.load(scale="smoke"))


def finish(node, seconds=36.0):
    """A published node, as far as its status goes."""
    scratch = folders.scratch_dir(node.kind, node.key)
    folders.publish(scratch, node.kind, node.key, {"seconds": seconds})


def first(watcher, kind):
    return next(node for node in watcher.planned.nodes.values() if node.kind == kind)


def ancestors(watcher, key):
    """All that a node rests on."""
    nodes, found = watcher.planned.nodes, set()
    todo = [key]
    while todo:
        for keys in nodes[todo.pop()].inputs.values():
            todo += [k for k in keys if k not in found]
            found |= set(keys)
    return found


class Running:
    """A job of this process at a node."""

    def __init__(self, node):
        self.lease = Lease(folders.lease_path(node.kind, node.key))
        assert self.lease.take()
        self.telling = Telling.of(node, self.lease)
        self.telling.__enter__()


@pytest.fixture
def running():
    started = []

    def start(node):
        started.append(Running(node))
        return started[-1]

    yield start
    for one in started:
        one.lease.release()


def test_a_study_that_has_never_run(watcher, capsys):
    status = watcher.look()
    nodes = watcher.planned.nodes
    roots = [node for node in nodes.values() if not node.inputs]
    assert (status.nodes["queued"], status.nodes["waiting"]) == (
        len(roots),
        len(nodes) - len(roots),
    )
    assert (status.run, status.running, status.trouble, status.published) == (None, (), (), 0)
    assert not status.finished
    assert main(["status", "--scale", "smoke"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"scale smoke: 0 of {len(nodes)} nodes done, 0 of ")
    assert "no snakemake is at work" in out
    assert not folders.STORE.exists()  # to look leaves nothing behind


def test_what_is_done_lets_others_be_queued(watcher):
    train = first(watcher, "train")
    before = ancestors(watcher, train.key)
    for key in before:
        finish(watcher.planned.nodes[key])
    status = watcher.look()
    assert status.nodes["done"] == len(before)
    assert status.stages["train"]["queued"] >= 1
    assert status.stages["segment"]["queued"] == 0


def test_a_running_job_and_how_far_it_is(watcher, running):
    node = first(watcher, "train")
    job = running(node)
    (one,) = watcher.look().running
    assert (one.label, one.total, one.left) == (node.label, 0, None)
    job.telling.tell("training step", 30, 40, 90.0)
    status = watcher.look()
    (one,) = status.running
    assert (one.done, one.total, one.left) == (30, 40, 90.0)
    assert status.stages["train"]["running"] == 1
    assert f"{node.label:<24} training step 30/40, 1.5 min left; process {os.getpid()}" in as_text(
        status
    )
    finish(node)
    status = watcher.look()
    assert (status.running, status.stages["train"]["done"]) == ((), 1)


def test_a_job_on_another_machine_is_believed_and_its_silence_is_told(watcher, running):
    node = first(watcher, "vae")
    job = running(node)
    far = replace(job.lease.owner, space="another machine", host="node7", pid=1)
    job.lease.path.write_bytes(far.content())
    assert watcher.look().running[0].silent < 60
    assert "no sign" not in as_text(watcher.look())
    os.utime(job.lease.path, (time.time() - 500,) * 2)
    (one,) = watcher.look().running
    assert one.silent == pytest.approx(500, abs=60)
    assert "no sign for 5" in as_text(watcher.look())


@pytest.mark.parametrize("how", ["gone", "ended", "another's"])
def test_a_job_whose_lease_is_not_its_own_any_more_was_killed(watcher, running, how):
    node = first(watcher, "vae")
    job = running(node)
    owner = job.lease.owner
    others = {"ended": replace(owner, pid=2**22 + 1), "another's": Owner.myself(90)}
    job.lease.path.write_bytes(others[how].content()) if how in others else job.lease.path.unlink()
    status = watcher.look()
    (one,) = status.trouble
    assert (one.state, status.running, status.stages["vae"]["killed"]) == ("killed", (), 1)
    assert "ended without a word" in as_text(status)


def test_a_file_that_a_power_cut_left_empty_is_a_killed_job(watcher):
    node = first(watcher, "vae")
    file = folders.told_path("vae", node.key)
    file.parent.mkdir(parents=True)
    file.write_text("")
    (one,) = watcher.look().trouble
    assert (one.key, one.state, one.by) == (node.key, "killed", "an unknown process")


def test_a_failed_job_shows_the_end_of_its_log(watcher, running):
    node = first(watcher, "segment")
    log = Path("results/logs/sample") / f"{node.key}.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {n}\n" for n in range(9)))
    job = running(node)
    job.telling.__exit__(RuntimeError, RuntimeError("it broke"), None)
    status = watcher.look()
    (one,) = status.trouble
    assert (one.state, one.said, one.log) == ("failed", "RuntimeError: it broke", str(log))
    assert one.lines == tuple(f"line {n}" for n in range(4, 9))
    assert f"  {log} ends with\n    line 4\n" in as_text(status)
    finish(node)
    assert watcher.look().trouble == ()


def test_a_table_that_could_not_be_published(watcher):
    with pytest.raises(OSError), Telling("publish", "table/guidance", "table/guidance"):  # noqa: PT011
        raise OSError("disk full")
    log = Path("results/logs/table/guidance.log")
    log.parent.mkdir(parents=True)
    log.write_text("OSError: disk full\n")
    (one,) = watcher.look().trouble
    assert (one.key, one.lines) == ("table/guidance", ("OSError: disk full",))


def test_trouble_of_another_study_is_not_this_ones(watcher, running):
    node = first(watcher, "segment")
    other = replace(node, spec=node.spec | {"batch": 7})
    running(other).telling.__exit__(RuntimeError, RuntimeError("it broke"), None)
    assert watcher.look().trouble == ()


def test_hours_spent_are_set_beside_those_planned(watcher, monkeypatch):
    trained, drawn = first(watcher, "train"), first(watcher, "segment")
    monkeypatch.setattr(watcher, "expected", dict.fromkeys(watcher.planned.nodes, HOUR))
    finish(trained, 2 * HOUR)
    hours = watcher.look().hours
    count = len(watcher.planned.nodes)
    assert (hours.spent, hours.expected, hours.ahead) == (2, 1, count - 1)
    assert hours.unit == "time of jobs"
    monkeypatch.setattr(watcher, "gpus", {key: 0 for key in watcher.planned.nodes})
    watcher.gpus |= {trained.key: 4, drawn.key: 1}
    hours = watcher.look().hours
    assert (hours.unit, hours.spent, hours.expected, hours.ahead) == ("time of GPUs", 8, 4, 1)


def test_hours_of_running_jobs_count_from_their_beginning(watcher, running, monkeypatch):
    running(first(watcher, "train"))
    monkeypatch.setattr(Told, "seconds", HOUR / 2)
    assert watcher.look().hours.running == pytest.approx(0.5)


def test_a_damaged_manifest_costs_no_status(watcher):
    node = first(watcher, "train")
    finish(node)
    folders.manifest_path("train", node.key).write_text("{")
    assert watcher.look().hours.spent == 0


def test_the_run_at_work_here_is_named(watcher):
    lease = Lease(RUN)
    assert lease.take()
    assert watcher.look().run.startswith(f"process {os.getpid()} on ")
    os.utime(RUN, (time.time() - 500,) * 2)
    assert "no sign for" in watcher.look().run
    lease.release()
    assert watcher.look().run is None


def test_json_says_what_the_text_says(watcher, running, capsys):
    running(first(watcher, "train"))
    assert main(["status", "--scale", "smoke", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["stages"]["train"]["running"] == 1
    assert said["running"][0]["kind"] == "train"
    assert said == json.loads(json.dumps(as_json(watcher.look()))) | {"hours": said["hours"]} | {
        "running": said["running"]
    }


def test_watching_ends_with_the_study(watcher, monkeypatch, capsys):
    looks = []
    monkeypatch.setattr(looking, "_shown", lambda group: len(looks) >= 2)

    def sleep(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            for node in watcher.planned.nodes.values():
                finish(node)

    watch(watcher, every=7.0, sleep=sleep)
    assert looks == [7.0, 7.0]
    out = capsys.readouterr().out
    assert out.count("scale smoke: 0 of ") == 2
    count = len(watcher.planned.nodes)
    assert f"scale smoke: {count} of {count} nodes done" in out


def test_watch_and_json_exclude_each_other(capsys):
    with pytest.raises(SystemExit):
        main(["status", "--watch", "--json"])


WORK = """
import sys, time
from pathlib import Path
from w2s.plan.nodes import Node
from w2s.run.telling import Telling
from w2s.store.folders import lease_path
from w2s.store.lease import held
kind, key = sys.argv[1:]
node = Node(kind, {}, label="a job")
object.__setattr__(node, "key", key)
with held(lease_path(kind, key)) as lease, Telling.of(node, lease) as telling:
    telling.tell("step", 1, 2, 5.0)
    print("at work", flush=True)
    time.sleep(60)
"""


def test_a_job_of_another_process_runs_until_it_is_killed(watcher):
    node = first(watcher, "train")
    command = [sys.executable, "-c", WORK, "train", node.key]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "at work\n"
        assert [job.done for job in watcher.look().running] == [1]
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [job.state for job in watcher.look().trouble] == ["killed"]

"""Building a node: parents are checked, failures leave nothing, results are published once."""

import errno
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from w2s.cli import main
from w2s.errors import OutOfTime, UserError
from w2s.plan.kinds import KINDS
from w2s.plan.nodes import Node
from w2s.plan.plan import Plan
from w2s.run import build as building
from w2s.run.frozen import FrozenPlan, freeze
from w2s.store import folders
from w2s.store.lease import held


def write(job):
    (job.out / "text.txt").write_text(f"{job.spec} {sorted(job.parents)}")
    return {"forwards": 3.5}


def fail(job):
    (job.out / "half.txt").write_text("half")
    raise RuntimeError("it broke")


def refuse(job):
    (job.out / "half.txt").write_text("half")
    raise UserError("a mistake of the user")


def run_out(job):
    (job.execution.state / job.key).mkdir(parents=True)
    raise OutOfTime("saved at step 3")


def fill_the_disk(job):
    (job.out / "half.txt").write_text("half")
    raise OSError(errno.ENOSPC, "No space left on device", "half.txt")


def fill_it_for_a_library(job):
    raise RuntimeError("I/O error: No space left on device (os error 28)")  # as safetensors says


def say_the_budget(job):
    (job.out / "minutes.txt").write_text(str(job.execution.minutes))


def leave_state(job):
    (job.execution.state / job.key).mkdir(parents=True)
    (job.out / "done.txt").write_text("")


@pytest.fixture
def nodes(tmp_path, monkeypatch):
    """A parent and a child whose builders only write a text, and their frozen plan."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    use(monkeypatch, write)
    planned = Plan("test")
    parent = Node("images", {"count": 1}, label="parent")
    child = Node("index", {"of": "it"}, {"images": (parent.key,)}, label="child")
    planned.add(parent)
    planned.add(child)
    return parent, child, freeze(planned, {"threads": 1})


def use(monkeypatch, builder) -> None:
    """Have a function of this file build images and indices."""
    for kind in ("images", "index"):
        where = f"{__name__}:{builder.__name__}"
        monkeypatch.setitem(KINDS, kind, replace(KINDS[kind], builder=where, imports=()))


def test_a_child_is_built_from_verified_parents(nodes):
    parent, child, plan = nodes
    for node in (parent, child):
        building.build(node.kind, node.key, FrozenPlan(plan))
    text = (folders.verify("index", child.key) / "text.txt").read_text()
    assert text == "{'of': 'it'} ['images']"
    manifest = folders.read_manifest("index", child.key)
    assert manifest["facts"] == {"forwards": 3.5}
    assert manifest["parents"] == {"images": [parent.key]}
    assert manifest["spec"] == child.spec
    assert manifest["version"] == KINDS["index"].version
    assert {
        "seconds",
        "cpu_seconds",
        "peak_mb",
        "start",
        "end",
        "packages",
        "hardware",
    } <= manifest.keys()


@pytest.mark.parametrize("damage", ["alter", "remove"])
def test_a_damaged_parent_is_named_and_out_of_the_store(nodes, damage, capsys):
    parent, child, plan = nodes
    building.build("images", parent.key, FrozenPlan(plan))
    file = folders.node_dir("images", parent.key) / "text.txt"
    file.write_text("other") if damage == "alter" else file.unlink()
    assert main(["index", child.key, "--plan", str(plan)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"images/{parent.key} is damaged: text.txt" in error
    assert not folders.present("images", parent.key)
    building.build("images", parent.key, FrozenPlan(plan))
    assert main(["index", child.key, "--plan", str(plan)]) == 0


def test_an_absent_parent_is_a_sentence(nodes, capsys):
    _, child, plan = nodes
    assert main(["index", child.key, "--plan", str(plan)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "is not in the store" in error


@pytest.mark.parametrize(
    ("builder", "status"),
    [(fail, 1), (refuse, 2), (run_out, 75), (fill_the_disk, 2), (fill_it_for_a_library, 2)],
)
def test_a_failing_builder_leaves_nothing(nodes, monkeypatch, capsys, builder, status):
    parent, _, plan = nodes
    use(monkeypatch, builder)
    assert main(["render", parent.key, "--plan", str(plan)]) == status
    assert not folders.present("images", parent.key)
    assert list((folders.STORE / ".scratch").iterdir()) == []
    error = capsys.readouterr().err
    assert ("Traceback" in error) is (builder is fail)
    told = json.loads(folders.told_path("images", parent.key).read_text())
    assert told["state"] == ("stopped" if builder is run_out else "failed")
    use(monkeypatch, write)
    main(["render", parent.key, "--plan", str(plan)])
    assert not folders.told_path("images", parent.key).exists()


def test_a_full_disk_is_a_sentence(nodes, monkeypatch, capsys):
    parent, _, plan = nodes
    use(monkeypatch, fill_the_disk)
    main(["render", parent.key, "--plan", str(plan)])
    error = capsys.readouterr().err
    assert error.startswith("w2s: the disk is full: make room")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("own", "schedulers", "told"),
    [(None, None, "None"), (90.0, None, "90.0"), (None, "30", "30.0"), (90.0, "30", "30.0"),
     (20.0, "30", "20.0")],
)  # fmt: skip
def test_the_time_budget_that_ends_first_counts(nodes, monkeypatch, own, schedulers, told):
    parent, _, _ = nodes
    use(monkeypatch, say_the_budget)
    planned = Plan("test")
    planned.add(parent)
    plan = freeze(planned, {"threads": 1, "minutes": own})
    limit = ["--minutes", schedulers] if schedulers else []
    assert main(["render", parent.key, "--plan", str(plan), *limit]) == 0
    file = folders.verify("images", parent.key) / "minutes.txt"
    assert file.read_text() == told


def test_state_outlives_a_time_budget_and_not_the_result(nodes, monkeypatch):
    parent, _, plan = nodes
    use(monkeypatch, run_out)
    main(["render", parent.key, "--plan", str(plan)])
    assert Path("state", parent.key).exists()
    use(monkeypatch, write)
    main(["render", parent.key, "--plan", str(plan)])
    assert not Path("state", parent.key).exists()


def test_a_node_that_is_there_is_not_built_again(nodes, monkeypatch):
    parent, _, plan = nodes
    main(["render", parent.key, "--plan", str(plan)])
    use(monkeypatch, fail)
    assert main(["render", parent.key, "--plan", str(plan)]) == 0


def test_the_wrong_verb_and_unknown_keys_are_sentences(nodes, capsys):
    parent, _, plan = nodes
    assert main(["index", parent.key, "--plan", str(plan)]) == 2
    assert "use `w2s render`" in capsys.readouterr().err
    assert main(["index", "0" * 16, "--plan", str(plan)]) == 2
    assert "the plan has no node" in capsys.readouterr().err
    assert main(["index", parent.key, "--plan", "absent.json"]) == 2
    assert "no such plan" in capsys.readouterr().err


SLOW = """
import sys, time
from dataclasses import replace
from w2s.plan.kinds import KINDS
from w2s.store import lease
KINDS["images"] = replace(KINDS["images"], builder="slow_builder:build", imports=())
lease.PERIOD = 0.5
from w2s.cli import main
sys.exit(main(sys.argv[1:]))
"""
UNTIL_TOLD = """
import time
from pathlib import Path
def build(job):
    (job.out / "half").write_text("x")
    with open("builds", "a") as builds:
        builds.write("one\\n")
    print("half", flush=True)
    while not Path("go").exists():
        time.sleep(0.01)
"""


@pytest.fixture
def job(nodes, tmp_path):
    """Starts a job that builds the parent until a file `go` is there; killed with the test."""
    parent, _, plan = nodes
    (tmp_path / "slow_builder.py").write_text(UNTIL_TOLD)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    started = []

    def start() -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", SLOW, "render", parent.key, "--plan", str(plan)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def nothing_is_left() -> bool:
    """No lease, and nothing half done."""
    return not any(any((folders.STORE / name).iterdir()) for name in (".leases", ".scratch"))


def test_of_two_jobs_at_once_one_builds_and_the_other_waits(nodes, job):
    parent = nodes[0]
    first = job()
    assert first.stdout.readline() == "half\n"
    second = job()
    waiting = second.stderr.readline()
    assert f"images-{parent.key} is held by process {first.pid} on " in waiting
    Path("go").touch()
    assert first.wait(timeout=60) == second.wait(timeout=60) == 0
    assert second.stderr.read() == f"images {parent.key} is there\n"
    assert Path("builds").read_text() == "one\n"
    assert folders.verify("images", parent.key)
    assert nothing_is_left()


def test_a_waiting_job_goes_on_at_once_when_the_builder_is_killed(nodes, job):
    first = job()
    assert first.stdout.readline() == "half\n"
    second = job()
    assert "waiting" in second.stderr.readline()
    first.kill()
    assert second.stdout.readline() == "half\n"
    Path("go").touch()
    assert second.wait(timeout=60) == 0
    assert folders.verify("images", nodes[0].key)
    assert nothing_is_left()


def test_a_job_that_was_suspended_for_too_long_publishes_nothing(nodes, job):
    parent, _, plan = nodes
    late = job()
    assert late.stdout.readline() == "half\n"
    late.send_signal(signal.SIGSTOP)
    assert main(["render", parent.key, "--plan", str(plan)]) == 0  # the builder that writes a text
    folders.remove("images", parent.key)  # so that nothing but its lease is in its way
    Path("go").touch()
    with held(folders.lease_path("images", parent.key)):
        late.send_signal(signal.SIGCONT)
        said = ""
        for line in late.stderr:
            said += line
            if "waiting" in line:
                break
        assert f"images {parent.key} is another's to build: what was made here is dropped" in said
        assert not folders.present("images", parent.key)
        assert not any((folders.STORE / ".scratch").iterdir())
    assert late.wait(timeout=60) == 0  # it has built it anew, under a lease of its own
    assert folders.verify("images", parent.key)
    assert nothing_is_left()


def test_a_failure_is_told_by_who_holds_the_lease(nodes, monkeypatch, capsys):
    """A builder whose lease was lost waits for the other, whatever has gone wrong here."""
    parent, _, plan = nodes
    tries = []

    def fail_and_lose(job):
        tries.append(1)
        if len(tries) == 1:
            folders.lease_path("images", parent.key).unlink()
            fail(job)
        write(job)

    monkeypatch.setattr(sys.modules[__name__], "fail_and_lose", fail_and_lose, raising=False)
    use(monkeypatch, fail_and_lose)
    assert main(["render", parent.key, "--plan", str(plan)]) == 0
    assert len(tries) == 2
    assert "dropped" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_a_signal_in_the_middle_publishes_nothing(nodes, job, number):
    parent, _, plan = nodes
    process = job()
    assert process.stdout.readline() == "half\n"
    process.send_signal(number)
    assert process.wait(timeout=30) != 0
    assert not folders.node_dir("images", parent.key).exists()
    if number != signal.SIGKILL:
        assert nothing_is_left()
    assert main(["render", parent.key, "--plan", str(plan)]) == 0
    assert folders.verify("images", parent.key)
    assert nothing_is_left()

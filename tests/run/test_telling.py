"""What jobs say of themselves: while they work, when they fail, and nothing once they are done."""

import json
import os
from pathlib import Path

import pytest

from w2s.errors import OutOfTime, UserError
from w2s.job import Job
from w2s.plan.nodes import Node
from w2s.run.telling import Telling
from w2s.store.folders import lease_path, told_path
from w2s.store.lease import Lease

NODE = Node("train", {"steps": 3}, label="train sgg")
FILE = told_path("train", NODE.key)


@pytest.fixture
def lease(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lease = Lease(lease_path("train", NODE.key))
    assert lease.take()
    yield lease
    if lease.mine():
        lease.release()


def told():
    return json.loads(FILE.read_text())


def end_with(error, lease):
    with pytest.raises(type(error)), Telling.of(NODE, lease):
        raise error


def test_a_job_says_that_it_runs_how_far_it_is_and_nothing_once_it_is_done(lease):
    with Telling.of(NODE, lease) as telling:
        assert told()["state"] == "running"
        assert told()["by"].startswith(f"process {os.getpid()} on ")
        telling.tell("training step", 1, 3, 12.34)
        facts = told()
        assert (facts["what"], facts["done"], facts["total"]) == ("training step", 1, 3)
        assert (facts["left"], facts["label"], facts["lease"]) == (
            12.3,
            "train sgg",
            lease.owner.id,
        )
    assert not FILE.exists()
    assert list(FILE.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "state", "said"),
    [
        (RuntimeError("it broke"), "failed", "RuntimeError: it broke"),
        (UserError("a mistake"), "failed", "a mistake"),
        (OutOfTime("saved at step 3"), "stopped", "saved at step 3"),
        (SystemExit(143), "stopped", "asked to stop"),
        (KeyboardInterrupt(), "stopped", "asked to stop"),
    ],
)
def test_an_end_that_is_no_success_is_told(lease, error, state, said):
    end_with(error, lease)
    assert (told()["state"], told()["said"]) == (state, said)
    with Telling.of(NODE, lease):
        assert "said" not in told()  # tried again
    assert not FILE.exists()


def test_who_has_lost_the_lease_leaves_the_file_to_the_other(lease):
    late = Telling.of(NODE, lease)
    late.__enter__()
    lease.path.unlink()
    other = Lease(lease.path)
    assert other.take()
    with Telling.of(NODE, other):
        late.__exit__(RuntimeError, RuntimeError("late"), None)
        assert (told()["lease"], told()["state"]) == (other.owner.id, "running")
    other.release()


def test_a_job_without_a_lease_is_told_only_once_it_has_failed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = told_path("publish", "cells/guidance/cfg")
    assert file.name == "publish-cells+guidance+cfg.json"
    one = Telling("publish", "cells/guidance/cfg", "a cell")
    one.__enter__()
    assert not file.exists()
    one.__exit__(OSError, OSError("full"), None)
    assert json.loads(file.read_text())["state"] == "failed"
    with Telling("publish", "cells/guidance/cfg", "a cell"):
        pass
    assert not file.exists()


def test_a_file_that_cannot_be_written_does_not_end_the_work(lease, capsys):
    FILE.parent.parent.mkdir(parents=True, exist_ok=True)
    FILE.parent.write_text("no folder")
    with Telling.of(NODE, lease) as telling:
        telling.tell("step", 1, 2, 3.0)
        FILE.parent.unlink()
    assert "could not be written (" in capsys.readouterr().err


def test_progress_tells_what_it_logs(capsys):
    heard = []
    job = Job("k", "0", {}, Path(), tell=lambda *said: heard.append(said))
    assert list(job.progress("abc", 3, "batch", every=0.0)) == ["a", "b", "c"]
    assert [said[:3] for said in heard] == [("batch", 1, 3), ("batch", 2, 3), ("batch", 3, 3)]
    assert heard[-1][3] == 0
    logged = capsys.readouterr().err.splitlines()
    assert logged == [f"batch {n}/3, {left:.0f} s left" for _, n, _, left in heard]


def test_a_job_nobody_listens_to_says_nothing():
    assert Job("k", "0", {}, Path()).tell("batch", 1, 2, 3.0) is None

"""One at a time holds a lock, and it ends with the process, however that ends."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from w2s.errors import UserError
from w2s.store.lock import RUN, hold_run, locked

HOLD = """
import os, sys, time
from pathlib import Path
from w2s.store.lock import hold_run, locked
if sys.argv[1] == "run":
    hold_run()
    print("held", flush=True)
    time.sleep(60)
with locked(Path("lock")):
    if sys.argv[1] == "fork" and os.fork() == 0:
        time.sleep(60)
    print("held", flush=True)
    time.sleep(60)
"""
COUNT = """
from pathlib import Path
from w2s.store.lock import locked
count, inside = Path("count"), Path("inside")
for _ in range(40):
    with locked(Path("locks/lock")):
        inside.mkdir()  # fails if another is inside
        count.write_text(str(int(count.read_text()) + 1))
        inside.rmdir()
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def holder():
    """Starts a process that holds a lock; all end with the test, their children included."""
    started = []

    def start(how: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, how], stdout=subprocess.PIPE, start_new_session=True
        )
        started.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def test_processes_that_remove_the_file_after_use_never_meet():
    Path("count").write_text("0")
    processes = [subprocess.Popen([sys.executable, "-c", COUNT]) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert Path("count").read_text() == "120"
    assert list(Path("locks").iterdir()) == []


@pytest.mark.parametrize("how", ["plain", "fork"])
def test_a_kill_frees_the_lock_though_a_child_lives_on(holder, how):
    process = holder(how)
    process.kill()
    with locked(Path("lock")):  # would wait for a minute
        assert Path("lock").exists()
    assert not Path("lock").exists()


def test_an_error_frees_the_lock():
    def fail():
        with locked(Path("lock")):
            raise RuntimeError("it broke")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="it broke"):
            fail()
    assert not Path("lock").exists()


def test_a_second_run_in_the_folder_is_refused_until_the_first_has_ended(holder):
    first = holder("run")
    with pytest.raises(UserError, match="another snakemake is at work in"):
        hold_run()
    first.kill()
    first.wait()
    hold_run()
    assert RUN.exists()


def test_a_run_is_held_until_the_process_ends():
    hold_run()
    attempt = "from w2s.store.lock import hold_run; hold_run()"
    done = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True)
    assert "another snakemake" in done.stderr

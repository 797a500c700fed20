"""Threads of a job: what it was granted, and no spinning while they wait."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from w2s.job import Execution
from w2s.run import cores, warm
from w2s.run.cores import available, granted, share_cores


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """Eight cores, and an environment that says nothing; what a test sets is taken back."""
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)


@pytest.mark.parametrize(
    ("threads", "snakemake", "used"),
    [
        (4, "4", 4),
        (4, "2", 2),
        (2, "4", 2),
        (4, None, 4),
        (16, None, 8),
        (16, "16", 8),
        (3, "0", 3),
    ],
)
def test_threads_are_the_fewest_of_asked_granted_and_there(monkeypatch, threads, snakemake, used):
    if snakemake:
        monkeypatch.setenv("OMP_NUM_THREADS", snakemake)
    assert share_cores(Execution(threads=threads)).threads == used


def test_the_environment_says_it_to_libraries_too():
    share_cores(Execution(threads=3))
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


def test_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    monkeypatch.setenv("OMP_NUM_THREADS", "2,1")
    assert granted() == 2
    share_cores(Execution(threads=4))
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"]) == ("active", "2,1")


def test_a_system_that_counts_no_affinity(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert available() == 5


OPENMP = """
import ctypes, sys
from w2s.job import Execution
from w2s.run.cores import share_cores
share_cores(Execution())
ctypes.CDLL(sys.argv[1])
"""


def test_the_openmp_that_torch_brings_waits_passively():
    (library,) = (Path(find_spec("torch").origin).parent / "lib").glob("libgomp*")
    environment = os.environ | {"OMP_DISPLAY_ENV": "true"}
    done = subprocess.run(
        [sys.executable, "-c", OPENMP, str(library)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "OMP_WAIT_POLICY = 'PASSIVE'" in done.stderr, done.stderr


def test_the_warm_process_imports_under_the_same_policy(monkeypatch, tmp_path):
    given = []
    monkeypatch.delenv(warm.ADDRESS, raising=False)
    monkeypatch.setattr(warm.tempfile, "mkdtemp", lambda prefix: str(tmp_path))
    monkeypatch.setattr(warm.subprocess, "Popen", lambda *_, env, **__: given.append(env))
    warm.start(tmp_path / "log", ())
    monkeypatch.delenv(warm.ADDRESS)
    assert cores.WAITING.items() <= given[0].items()

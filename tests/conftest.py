import os

import pytest
from run_folder import WARM, RunFolder
from tiny_study import StudyFolder, TwoParts

from w2s.plan.kinds import KINDS
from w2s.plan.nodes import Node
from w2s.run import warm
from w2s.store.lease import held


@pytest.fixture
def study_folder(tmp_path, monkeypatch):
    """The repository's parameter files, copied to the test's working directory."""
    monkeypatch.chdir(tmp_path)
    return StudyFolder(tmp_path)


@pytest.fixture
def two_parts(tmp_path, monkeypatch):
    """The same, with a scale `two`: the smoke study in two parts that differ a little."""
    monkeypatch.chdir(tmp_path)
    return TwoParts(tmp_path)


@pytest.fixture(scope="session")
def warm_process(tmp_path_factory):
    """One process that has done the slow imports, for the jobs of all tests."""
    every = warm.imports_of(Node(kind, {}) for kind in KINDS if kind != "score")
    warm.start(tmp_path_factory.mktemp("warm") / "log", every)
    WARM[warm.ADDRESS] = os.environ.pop(warm.ADDRESS)


@pytest.fixture(scope="session")
def finished(tmp_path_factory, warm_process) -> RunFolder:
    """A finished run of the small study; not to be changed."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # of all workers
    done = shared / "finished"
    with held(shared / "finished.lease"):
        if not done.exists():
            making = RunFolder.create(tmp_path_factory.mktemp("making") / "study")
            making.snakemake()
            making.path.rename(done)
    return RunFolder(done)

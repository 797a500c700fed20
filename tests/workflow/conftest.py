"""One finished run, made once, and copies of it to be changed."""

import os

import pytest
from run_folder import WARM, RunFolder

from w2s.run import warm
from w2s.store.lease import held


@pytest.fixture(scope="session")
def warm_process(tmp_path_factory):
    """One process that has done the slow imports, for the jobs of all tests."""
    warm.start(tmp_path_factory.mktemp("warm") / "log")
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


@pytest.fixture
def study(finished, tmp_path) -> RunFolder:
    """A finished run of the small study, free to be changed."""
    return finished.copy(tmp_path / "study")


@pytest.fixture
def fresh(warm_process, tmp_path) -> RunFolder:
    """The small study, nothing computed yet."""
    return RunFolder.create(tmp_path / "study")


@pytest.fixture
def published(finished) -> dict[str, str]:
    """Checksums of what an undisturbed run publishes."""
    return finished.published()

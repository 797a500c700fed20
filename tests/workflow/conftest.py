"""Copies of one finished run, to be changed."""

import pytest
from run_folder import RunFolder


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

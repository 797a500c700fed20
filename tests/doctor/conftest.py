import pytest
from fake_slurm import FakeSlurm


@pytest.fixture
def slurm(tmp_path):
    """A fake Slurm, to be installed."""
    return FakeSlurm(tmp_path)


@pytest.fixture
def no_slurm(tmp_path, monkeypatch):
    """A PATH without any command."""
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))

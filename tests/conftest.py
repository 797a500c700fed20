import pytest
from tiny_study import StudyFolder, TwoParts


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

import pytest
from tiny_study import StudyFolder


@pytest.fixture
def study_folder(tmp_path, monkeypatch):
    """The repository's parameter files, copied to the test's working directory."""
    monkeypatch.chdir(tmp_path)
    return StudyFolder(tmp_path)

import pytest
from repository import Repository


@pytest.fixture(scope="session")
def recorded(finished, tmp_path_factory) -> Repository:
    """A finished study, recorded and pushed to a plain directory; not to be changed."""
    root = tmp_path_factory.mktemp("recorded")
    made = Repository.of(finished, root / "study")
    made.run("dvc", "remote", "add", "-d", "shared", str(root / "remote"))
    made.run("dvc", "remote", "modify", "shared", "verify", "true")
    made.said = made.run("dvc", "repro")
    made.commit("Recorded")
    made.run("dvc", "push")
    return made

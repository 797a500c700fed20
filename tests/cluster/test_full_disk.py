"""A disk that fills up while results are written: a small one, which needs root."""

import subprocess

import pytest
from run_folder import RunFolder

pytestmark = pytest.mark.cluster


@pytest.fixture
def small_disk(warm_process, tmp_path):
    """The small study with its store on a disk of its own, as a function that sets the size."""
    study = RunFolder.create(tmp_path / "study")
    store = study.path / "results" / "store"
    store.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", store], check=True)
    yield (
        study,
        lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", store], check=True),
    )
    subprocess.run(["umount", store], check=True)


def test_a_full_disk_ends_the_run_and_with_room_the_same_command_goes_on(small_disk, finished):
    study, resize = small_disk
    said = study.snakemake(status=1)
    assert "w2s: the disk is full: make room" in said
    assert "Traceback" not in said
    found, wanted = study.stored(), finished.stored()
    assert 0 < len(found) < len(wanted)
    assert found.items() <= wanted.items()
    resize("100m")
    study.snakemake()
    assert study.published() == finished.published()
    assert study.stored() == wanted
    assert "0 damaged" in study.w2s("doctor", "--store")

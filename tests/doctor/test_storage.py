"""The folder of results: what its file system keeps, its room, its clock, its leases."""

import errno
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from w2s.doctor import storage
from w2s.doctor.storage import broken_promise, check_storage, existing, file_system
from w2s.store.folders import STORE
from w2s.store.lease import Lease
from w2s.store.owner import Owner


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def found(need=0.0, cluster=False):
    return {finding.about: finding for finding in check_storage(need, cluster)}


def test_a_plain_folder_passes_and_is_left_as_it_was(tmp_path):
    assert {finding.level for finding in found().values()} == {"pass"}
    assert list(tmp_path.iterdir()) == []
    STORE.mkdir(parents=True)
    assert existing(STORE) == tmp_path / STORE


def test_a_file_system_without_hard_links_fails(monkeypatch):
    def refused(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    assert "no hard links (Operation not permitted)" in found()["store"].what
    assert found()["store"].level == "fail"


@pytest.mark.parametrize(
    ("name", "instead", "said"),
    [
        ("link", lambda a, b: Path(b).write_text("1"), "a hard link replaces"),
        ("replace", lambda a, b: None, "a rename does not replace"),
        ("rename", lambda a, b: None, "a rename replaces a folder that holds files"),
    ],
)
def test_each_promise_that_is_broken_is_named(tmp_path, monkeypatch, name, instead, said):
    monkeypatch.setattr(os, name, instead)
    assert said in broken_promise(tmp_path)


def test_a_folder_that_nothing_can_be_written_in(monkeypatch):
    def refused(**_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(storage.tempfile, "TemporaryDirectory", refused)
    monkeypatch.setattr(storage, "_clock", lambda folder: [])
    assert "Read-only file system" in found()["store"].what


@pytest.mark.parametrize(("need", "level"), [(10, "pass"), (90, "warn"), (101, "fail")])
def test_room_is_compared_with_what_the_study_will_write(monkeypatch, need, level):
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    disk = found(need)["disk"]
    assert disk.level == level
    assert bool(disk.fix) is (level != "pass")


@pytest.mark.parametrize(("off", "level"), [(0.5, "pass"), (60, "warn"), (-60, "warn")])
def test_a_file_server_whose_clock_differs(monkeypatch, off, level):
    now = storage.time.time
    monkeypatch.setattr(storage.time, "time", lambda: now() - off)
    assert found()["clock"].level == level


def test_the_kind_of_a_file_system_is_that_of_its_longest_mount(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    lines = ["disk / ext4 rw 0 0", f"server {tmp_path} nfs4 rw 0 0", "disk /elsewhere xfs rw 0 0"]
    mounts.write_text("\n".join(lines))
    monkeypatch.setattr(storage, "MOUNTS", mounts)
    assert file_system(tmp_path / "deep") == "nfs4"
    assert file_system(Path("/elsewhere/b")) == "xfs"
    assert found(cluster=True)["shared files"].level == "pass"
    assert "shared files" not in found()
    mounts.write_text(lines[0])
    assert found(cluster=True)["shared files"].level == "warn"
    monkeypatch.setattr(storage, "MOUNTS", tmp_path / "absent")
    assert "an unknown file system" in found(cluster=True)["shared files"].what


def test_leases_of_the_ended_are_removed_and_far_ones_are_told(monkeypatch):
    folder = STORE / ".leases"
    folder.mkdir(parents=True)
    ended = replace(Owner.myself(90), pid=2**22 + 1)
    (folder / "train-0").write_bytes(ended.content())
    assert found()["leases"].what.startswith("1 of processes that ended were removed, 0 are")
    far = replace(Owner.myself(90), space="another machine", host="node7")
    (folder / "train-1").write_bytes(far.content())
    finding = found()["leases"]
    assert finding.level == "warn"
    assert "train-1 by process" in finding.what
    assert "node7" in finding.what
    lease = Lease(folder / "train-2")
    assert lease.take()
    assert "1 are in use here" in found()["leases"].what
    lease.release()

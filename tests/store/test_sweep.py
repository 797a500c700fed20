"""Leases of processes that ended are removed; nobody else's are."""

from dataclasses import replace

import pytest

from w2s.store.folders import STORE
from w2s.store.lease import Lease
from w2s.store.owner import Owner
from w2s.store.sweep import sweep_leases

FOLDER = STORE / ".leases"


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    FOLDER.mkdir(parents=True)


def write(name, **changes):
    owner = replace(Owner.myself(90), **changes)
    (FOLDER / name).write_bytes(owner.content())
    return owner


def left():
    return sorted(path.name for path in FOLDER.iterdir())


def test_nothing_is_swept_where_nothing_is():
    assert sweep_leases() == ([], [])
    FOLDER.rmdir()
    assert sweep_leases() == ([], [])


def test_of_an_ended_process_the_lease_and_all_its_files_go():
    dead = write("train-a", pid=2**22 + 1)
    write(f"train-a.{dead.id}.new", pid=2**22 + 1)
    write(f"segment-b.{dead.id}", pid=2**22 + 1)  # an heir that died after its lease was given back
    assert sweep_leases() == (["segment-b", "train-a"], [])
    assert left() == []


def test_a_process_number_that_came_again_is_another_process():
    write("train-a", started="1")
    assert sweep_leases()[0] == ["train-a"]


@pytest.mark.parametrize("space", ["another boot", None])
def test_a_holder_that_cannot_be_looked_at_keeps_its_lease(space):
    far = write("train-a", space=space, pid=2**22 + 1)
    assert sweep_leases() == ([], [("train-a", far)])
    assert left() == ["train-a"]


def test_a_live_holder_keeps_it():
    lease = Lease(FOLDER / "train-a")
    assert lease.take()
    assert sweep_leases() == ([], [("train-a", lease.holder())])
    lease.check()
    lease.release()
    assert left() == []


def test_a_file_that_says_nothing_is_left_to_who_waits_for_it():
    (FOLDER / "train-a").write_bytes(b"")
    swept, [(name, owner)] = sweep_leases()
    assert (swept, name, str(owner)) == (
        [], "train-a", "process 0 on an unknown host, since an unknown time",
    )  # fmt: skip

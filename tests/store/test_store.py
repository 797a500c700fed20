"""A node is there whole or not at all; damage is named, set aside, and never read."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from w2s.errors import UserError
from w2s.store import folders
from w2s.store.checksums import check_store
from w2s.store.folders import Damaged, node_dir, present, publish, scratch_dir, set_aside, verify

KEY, OTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.fixture(autouse=True)
def empty_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def make(key: str = KEY, text: str = "a") -> None:
    """Publish a small node of kind weights."""
    scratch = scratch_dir("weights", key)
    (scratch / "inner").mkdir()
    (scratch / "model.bin").write_text(text)
    (scratch / "inner/deep.txt").write_text("b")
    publish(scratch, "weights", key, {"label": "test"})


def test_a_published_node_verifies():
    make()
    folder = verify("weights", KEY)
    assert (folder / "inner/deep.txt").read_text() == "b"
    manifest = folders.read_manifest("weights", KEY)
    assert set(manifest["files"]) == {"model.bin", "inner/deep.txt"}
    assert manifest["kind"] == "weights"
    assert manifest["key"] == KEY
    assert folders.kind_of(KEY) == "weights"
    assert not any((folders.STORE / ".scratch").iterdir())


def missing(folder):
    (folder / "model.bin").unlink()


def altered(folder):
    (folder / "inner/deep.txt").write_text("B")


def same_size_and_date(folder):
    stat = (folder / "model.bin").stat()
    (folder / "model.bin").write_text("x")
    os.utime(folder / "model.bin", ns=(stat.st_atime_ns, stat.st_mtime_ns))


def truncated(folder):
    (folder / "model.bin").write_text("")


def extra(folder):
    (folder / "inner/new.txt").write_text("")


def no_manifest(folder):
    (folder / "manifest.json").unlink()


def half_manifest(folder):
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text[: len(text) // 2])


def other_manifest(folder):
    (folder / "manifest.json").write_text('{"files": 3}')


def list_manifest(folder):
    (folder / "manifest.json").write_text("[1, 2]")


def foreign_manifest(folder):
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace(KEY, OTHER))


def binary_manifest(folder):
    (folder / "manifest.json").write_bytes(b"\xff\xfe{")


DAMAGE = {
    missing: "model.bin is missing",
    altered: "inner/deep.txt does not have the recorded checksum",
    same_size_and_date: "model.bin does not have the recorded checksum",
    truncated: "model.bin does not have the recorded checksum",
    extra: "inner/new.txt does not belong to it",
    no_manifest: "its manifest cannot be read",
    half_manifest: "its manifest cannot be read",
    other_manifest: "its manifest lists no files",
    list_manifest: "its manifest lists no files",
    foreign_manifest: "its manifest is that of another node",
    binary_manifest: "its manifest cannot be read",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_named(damage):
    make()
    damage(node_dir("weights", KEY))
    with pytest.raises(Damaged, match=DAMAGE[damage]):
        verify("weights", KEY)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_node_is_moved_out_of_the_way_and_can_be_made_again(damage):
    make()
    damage(node_dir("weights", KEY))
    with pytest.raises(UserError, match=r"is damaged: .*; it was moved to results/store/.damaged/"):
        folders.verified_or_set_aside("weights", KEY)
    assert not present("weights", KEY)
    make()
    assert verify("weights", KEY)
    assert len(list((folders.STORE / ".damaged").iterdir())) == 1


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_doctor_names_and_sets_aside_what_is_damaged(damage):
    make()
    make(OTHER)
    damage(node_dir("weights", KEY))
    report, count = check_store()
    assert count == 1
    assert f"weights/{KEY} is damaged: {DAMAGE[damage]}" in report
    assert "1 nodes are whole, 1 damaged" in report
    assert not node_dir("weights", KEY).exists()
    assert verify("weights", OTHER)
    assert check_store() == ("1 nodes are whole, 0 damaged", 0)


def test_the_doctor_passes_an_empty_store_and_a_folder_made_ready_for_a_job():
    assert check_store() == ("0 nodes are whole, 0 damaged", 0)
    node_dir("train", KEY).mkdir(parents=True)
    assert check_store() == ("0 nodes are whole, 0 damaged", 0)
    assert node_dir("train", KEY).exists()


def test_several_wrecks_of_one_node_are_all_kept():
    for _ in range(3):
        make()
        set_aside("weights", KEY)
    assert len(list((folders.STORE / ".damaged").iterdir())) == 3


def test_the_first_publisher_wins():
    make(text="first")
    make(text="second")
    assert (verify("weights", KEY) / "model.bin").read_text() == "first"
    assert not any((folders.STORE / ".scratch").iterdir())


def test_what_snakemake_made_ready_is_replaced():
    node_dir("weights", KEY).mkdir(parents=True)
    make()
    assert verify("weights", KEY)


def test_a_half_written_folder_in_the_place_gives_way():
    node_dir("weights", KEY).mkdir(parents=True)
    (node_dir("weights", KEY) / "model.bin").write_text("half")
    make(text="whole")
    assert (verify("weights", KEY) / "model.bin").read_text() == "whole"


def test_a_removed_node_is_gone_and_an_unknown_key_is_named():
    make()
    folders.remove("weights", KEY)
    assert not present("weights", KEY)
    assert not any((folders.STORE / ".scratch").iterdir())
    with pytest.raises(UserError, match=f"the store has no node {KEY}"):
        folders.kind_of(KEY)


def test_scratch_begins_empty():
    scratch = scratch_dir("weights", KEY)
    (scratch / "left").touch()
    assert list(scratch_dir("weights", KEY).iterdir()) == []


def test_scratch_of_one_owner_is_never_anothers():
    late, now = scratch_dir("weights", KEY, "late"), scratch_dir("weights", KEY, "now")
    assert late != now
    assert not late.exists()
    assert scratch_dir("weights", "0" * 16) != now
    assert now.exists()


def test_what_is_not_allowed_at_the_last_moment_is_not_published():
    def refuse():
        raise RuntimeError("lost")

    scratch = scratch_dir("weights", KEY)
    with pytest.raises(RuntimeError, match="lost"):
        publish(scratch, "weights", KEY, {}, allowed=refuse)
    assert not folders.node_dir("weights", KEY).exists()


KILLED = """
import os, pathlib, signal, sys
from w2s.store import folders
calls = {"n": 0}
def fuse(name, real):
    def call(*args, **kwargs):
        if calls["n"] == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        calls["n"] += 1
        return real(*args, **kwargs)
    return call
for owner, name in [(os, "fsync"), (pathlib.Path, "rename"), (pathlib.Path, "mkdir"),
                    (pathlib.Path, "open"), (folders, "sha256"), (folders, "write_text"),
                    (os, "replace")]:
    setattr(owner, name, fuse(name, getattr(owner, name)))
scratch = folders.scratch_dir("weights", sys.argv[2])
(scratch / "model.bin").write_text("a")
folders.publish(scratch, "weights", sys.argv[2], {})
print("published")
"""


def test_a_kill_at_any_point_leaves_nothing_or_a_whole_node():
    """Killed before the n-th step that touches the disk, for every n."""
    whole = []
    for point in range(100):
        key = f"{point:016x}"
        command = [sys.executable, "-c", KILLED, str(point), key]
        done = subprocess.run(command, capture_output=True, text=True)
        if present("weights", key):
            verify("weights", key)
            whole.append(point)
        else:
            assert done.returncode == -signal.SIGKILL
            assert not node_dir("weights", key).exists()
        if done.returncode == 0:
            break
    assert point > 5
    assert whole == [point]
    assert check_store()[1] == 0


def test_kills_at_random_moments_leave_a_store_without_damage():
    loop = (
        "import itertools, sys\nfrom w2s.store import folders\nprint('ready', flush=True)\n"
        "for i in itertools.count():\n"
        "    scratch = folders.scratch_dir('weights', f'{i:016x}')\n"
        "    (scratch / 'a').write_bytes(bytes(10**5))\n"
        "    folders.publish(scratch, 'weights', f'{i:016x}', {})\n"
        "    if i % 3 == 0:\n        folders.remove('weights', f'{i:016x}')\n"
    )
    for wait in (0.02, 0.05, 0.11):
        process = subprocess.Popen([sys.executable, "-c", loop], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(wait)
        process.kill()
        process.wait()
        assert check_store()[1] == 0


def test_manifests_are_plain_json():
    make()
    text = (node_dir("weights", KEY) / "manifest.json").read_text()
    assert text.endswith("}\n")
    assert json.loads(text)["label"] == "test"

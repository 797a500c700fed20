"""A file is the old one or the new one, whoever is stopped and whenever."""

import hashlib
import json
import os
import signal
import subprocess
import sys

import pytest

from w2s import files
from w2s.files import replacing, sha256, write_json, write_text


def test_a_written_file_reads_back_and_its_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "c.txt"
    write_text(path, "eins\nzwölf\n")
    assert path.read_bytes() == "eins\nzwölf\n".encode()
    write_json(path, {"a": [1, 2.5], "b": None})
    assert json.loads(path.read_text()) == {"a": [1, 2.5], "b": None}
    assert path.read_text().startswith('{\n "a": [\n')
    assert [p.name for p in path.parent.iterdir()] == ["c.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "grid.png"
    path.write_bytes(b"old")

    def interrupted():
        with replacing(path) as scratch:
            scratch.write_bytes(b"half of the n")
            raise error

    with pytest.raises(error):
        interrupted()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, signal, sys
from pathlib import Path
from w2s.files import replacing
with replacing(Path(sys.argv[1])) as scratch:
    scratch.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path):
    path = tmp_path / "[a]*.txt"  # no pattern, though it looks like one
    path.write_text("old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)])
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    write_text(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_writers_at_work_are_left_alone(tmp_path):
    """A living process of this machine, and any of another machine whose name begins alike."""
    path = tmp_path / "a.txt"
    living = tmp_path / f".a.txt.{files.HOST}+{os.getppid()}.tmp"
    remote = tmp_path / f".a.txt.{files.HOST}-2+{2**22 + 1}.tmp"
    other = tmp_path / f".b.a.txt.{files.HOST}+{2**22 + 1}.tmp"
    for scratch in (living, remote, other):
        scratch.write_text("half")
    write_text(path, "new")
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in (path, living, remote, other)}


def test_the_last_of_two_writers_stays(tmp_path):
    path = tmp_path / "a.txt"
    inner = "import sys; from pathlib import Path; from w2s.files import write_text; "
    inner += "write_text(Path(sys.argv[1]), 'inner')"
    with replacing(path) as scratch:
        scratch.write_text("outer")
        subprocess.run([sys.executable, "-c", inner, str(path)], check=True)
        assert path.read_text() == "inner"
    assert path.read_text() == "outer"


def test_durable_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (done.append("fsync"), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda *a: (done.append("replace"), replace(*a)))
    write_text(tmp_path / "a", "x", durable=True)
    write_text(tmp_path / "b", "x")
    assert done == ["fsync", "replace", "replace"]


def test_the_hash_is_sha256_of_the_content(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()

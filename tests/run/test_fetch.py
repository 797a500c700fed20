"""What has to be downloaded by hand is listed, with where to put it and whether it is there."""

import hashlib
from pathlib import Path

import pytest
import yaml

from w2s.params.load import load_study
from w2s.run import fetch

HOME = Path(__file__).parents[2]
KEYS = {"path", "what", "source", "terms", "size"}


def listed(scale):
    return fetch.wanted(load_study(HOME / "params.yaml", {"scale": scale}))


def test_the_miniature_needs_nothing():
    assert "nothing has to be downloaded" in listed("mini")


def test_everything_the_paper_scale_names_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = listed("paper")
    assert "not known here" not in text
    assert "data/imagenet/train: not there; put it there" in text
    assert "  terms  " in text
    assert "  size   about " in text


@pytest.mark.parametrize(
    "entry", yaml.safe_load(fetch.DOWNLOADS.read_text()), ids=lambda e: e["path"]
)
def test_entries_are_whole(entry):
    assert KEYS <= entry.keys() <= KEYS | {"sha256"}
    assert all(isinstance(value, str) for value in entry.values())


def test_hashes_are_compared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = b"weights"
    right = {"path": "a.pt", "sha256": hashlib.sha256(content).hexdigest()}
    rest = dict.fromkeys(KEYS - {"path"}, "x")
    monkeypatch.setattr(fetch, "_known", lambda: [right | rest])
    file = tmp_path / "data" / "a.pt"
    file.parent.mkdir()

    def first():
        return next(fetch._entry("data/a.pt"))

    assert first() == "data/a.pt: not there; put it there"
    file.write_bytes(content)
    assert first() == "data/a.pt: there, and its SHA-256 is right"
    file.write_bytes(b"other")
    assert first() == "data/a.pt: there, but its SHA-256 is another"
    file.write_bytes(content)
    right["sha256"] = right["sha256"][:8]
    assert first() == "data/a.pt: there, and its SHA-256 is right"
    assert list(fetch._entry("data/a.pt"))[-1].endswith("...")


def test_files_of_ones_own_are_said_to_be(tmp_path):
    lines = list(fetch._entry(str(tmp_path)))
    assert lines == [f"{tmp_path}: there", "  not known here: a file or folder of your own"]

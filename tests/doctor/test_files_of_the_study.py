"""Files that a study names: there or not, whole or not, needed or not."""

import hashlib
from pathlib import Path

import pytest

from w2s.doctor.files import check_files, size_of, usual_size
from w2s.params.load import load_study
from w2s.plan.study import plan
from w2s.run import fetch
from w2s.store import folders

HOME = Path(__file__).parents[2]
VAE = "data/sd-vae-ft-mse"
INCEPTION = "data/weights-inception-2015-12-05-6726825d.pth"


@pytest.fixture
def paper(tmp_path, monkeypatch):
    """Finds what is said of each path of the paper scale; in a folder with none of them."""
    monkeypatch.chdir(tmp_path)

    def look():
        study = load_study(HOME / "params.yaml", {"scale": "paper"})
        return {f.what.partition(":")[0]: f for f in check_files(study, plan(study))}

    return look


def test_what_is_absent_fails_and_only_a_scores_file_warns(paper):
    found = paper()
    assert found[VAE].level == found["data/imagenet/train"].level == "fail"
    assert "stabilityai/sd-vae-ft-mse" in found[VAE].fix
    assert found["data/HPS_v2.1_compressed.pt"].level == "warn"
    assert "scores that need it are left out" in found["data/HPS_v2.1_compressed.pt"].what
    assert set(found) == set(fetch.paths_of(load_study(HOME / "params.yaml", {"scale": "paper"})))


def test_a_download_that_stopped_halfway_is_noticed(paper):
    Path(VAE).mkdir(parents=True)
    (Path(VAE) / "config.json").write_text("{}")
    found = paper()[VAE]
    assert (found.level, found.fix) == ("warn", "is it complete?")
    assert "where about 335 MB is usual" in found.what


def test_a_file_with_another_hash_fails(paper, monkeypatch):
    Path(INCEPTION).parent.mkdir()
    Path(INCEPTION).write_bytes(b"weights")
    assert "its SHA-256 is another" in paper()[INCEPTION].what
    assert paper()[INCEPTION].level == "fail"
    right = hashlib.sha256(b"weights").hexdigest()
    known = [
        entry | ({"sha256": right, "size": "7 MB"} if entry["path"] in INCEPTION else {})
        for entry in fetch._known()
    ]
    monkeypatch.setattr(fetch, "_known", lambda: known)
    monkeypatch.setattr("w2s.doctor.files.WHOLE", 0)
    assert paper()[INCEPTION].level == "pass"
    assert "its SHA-256 is right; 7 B" in paper()[INCEPTION].what


def test_what_a_node_has_taken_in_is_not_missed(paper, monkeypatch):
    monkeypatch.setattr("w2s.doctor.files.present", lambda kind, key: kind == "vae")
    assert paper()[VAE].level == "pass"
    assert paper()["data/imagenet/train"].level == "fail"
    assert not folders.STORE.exists()


def test_sizes(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(b"123")
    (tmp_path / "b").write_bytes(b"4567")
    assert (size_of(tmp_path), size_of(tmp_path / "b")) == (7, 4)
    assert usual_size(None) == 0
    assert usual_size({"size": "4 MB, in an archive of 241 MB"}) == 4e6


@pytest.mark.parametrize("entry", fetch._known(), ids=lambda entry: entry["path"])
def test_every_stated_size_is_a_number_of_bytes(entry):
    assert 1e5 < usual_size(entry) < 1e12

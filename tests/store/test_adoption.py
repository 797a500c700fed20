"""A node made elsewhere is taken in whole and verified, and never after it was forgotten."""

import pytest

from w2s.files import digests
from w2s.store import folders
from w2s.store.adopt import adopt, forget_manifest, forgotten

KEY = "0123456789abcdef"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The files of a node that was in the store."""
    monkeypatch.chdir(tmp_path)
    scratch = folders.scratch_dir("weights", KEY)
    (scratch / "deep").mkdir()
    (scratch / "deep/model.bin").write_text("weights")
    folder = folders.publish(scratch, "weights", KEY, {})
    folder.rename(tmp_path / "elsewhere")
    names = ("deep/model.bin", folders.MANIFEST)
    return {name: tmp_path / "elsewhere" / name for name in names}


def test_it_is_linked_into_the_store(elsewhere):
    assert adopt("weights", KEY, elsewhere)
    folder = folders.verify("weights", KEY)
    assert (folder / "deep/model.bin").samefile(elsewhere["deep/model.bin"])
    assert not adopt("weights", KEY, elsewhere)  # it is here already
    assert not any((folders.STORE / ".scratch").iterdir())


def test_damage_is_refused_and_nothing_is_published(elsewhere):
    elsewhere["deep/model.bin"].write_text("wieghts")
    with pytest.raises(folders.Damaged, match="recorded checksum"):
        adopt("weights", KEY, elsewhere)
    assert not folders.present("weights", KEY)
    assert not any((folders.STORE / ".scratch").iterdir())


def test_what_was_forgotten_does_not_come_back_but_a_later_one_may(elsewhere, tmp_path):
    adopt("weights", KEY, elsewhere)
    forget_manifest("weights", KEY)
    folders.remove("weights", KEY)
    assert forgotten(digests(elsewhere[folders.MANIFEST])["md5"])
    assert not adopt("weights", KEY, elsewhere)
    text = elsewhere[folders.MANIFEST].read_text()
    (tmp_path / "later.json").write_text(text.replace("\n}", ',\n "made": "again"\n}'))
    assert adopt("weights", KEY, elsewhere | {folders.MANIFEST: tmp_path / "later.json"})

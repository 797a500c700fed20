"""fd_dinov2 and its network: what is read, and every refusal."""

from pathlib import Path

import pytest
from tiny_made import MADE
from tiny_study import StudyFolder
from tiny_text import TEXT, changed, write

from w2s.errors import UserError
from w2s.params.load import load_study

FILE = {"path": "dinov2.pth"}
PHOTOS = {"kind": "folder", "path": "photos", "resolution": 64}
ALONE = TEXT | {"metrics": {"metrics": ["fd_dinov2"]}, "dinov2": FILE, "reference": PHOTOS}
INCEPTION = {"kind": "inception-v3-compat", "path": "inception.pth"}
COLUMNS = ("tables", "prompted", "columns")
ADM = {"kind": "adm", "path": "adm.npz"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("scale: words\n")
    return tmp_path


def load(folder, study, *changes):
    for path, value in changes:
        study = changed(study, path, value)
    write(folder, study)
    return load_study(Path("params.yaml")).part("text")


def refusal(folder, study, *changes) -> str:
    with pytest.raises(UserError) as refused:
        load(folder, study, *changes)
    (line,) = str(refused.value).splitlines()
    return line.removeprefix("scales/words/text.yaml: ")


def test_the_network_is_the_released_one_unless_said(folder):
    part = load(folder, ALONE, (COLUMNS, ["fd_dinov2", "forwards"]))
    assert (part.params.dinov2.width, part.params.dinov2.depth) == (1024, 24)
    assert part.fingerprints["dinov2"] == "absent:dinov2.pth"
    (folder / "dinov2.pth").write_text("weights")
    there = load(folder, ALONE).fingerprints["dinov2"]
    assert there != "absent:dinov2.pth"
    (folder / "there").mkdir()
    (folder / "dinov2.pth").rename(folder / "there/dinov2.pth")
    moved = load(folder, ALONE, (("dinov2", "path"), "there/dinov2.pth")).fingerprints["dinov2"]
    assert moved == there


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (
            ("dinov2",),
            None,
            "metrics.metrics: fd_dinov2 needs DINOv2; give its file as dinov2.path",
        ),
        (("dinov2", "path"), None, "dinov2.path: must be"),
        (("dinov2", "width"), 100, "dinov2.width: must be a multiple of 64, not 100"),
        (("dinov2", "heads"), 2, "dinov2.heads: unknown key"),
        (("dinov2", "reference"), {"count": 9}, "dinov2.reference: unknown key"),
        (
            ("reference",),
            ADM,
            "reference.kind: adm has statistics of Inception's features, and fd_",
        ),
        (("reference",), None, "metrics: there is nothing to compare with; describe images under"),
        (("features",), INCEPTION, "features: no metric is measured with it; drop it"),
        (("metrics",), {"metrics": ["fd"]}, "metrics: there is no network to measure with"),
        (COLUMNS, ["fd", "fd_dinov2"], "tables.prompted.columns[0]: fd is not among metrics.metr"),
    ],
)
def test_every_mistake_is_a_sentence_with_its_key(folder, path, value, sentence):
    assert refusal(folder, ALONE, (path, value)).startswith(sentence)


def test_a_network_that_nothing_is_measured_with_is_refused(folder):
    two = (("metrics", "metrics"), ["fd"]), (("features",), INCEPTION)
    assert refusal(folder, ALONE, *two) == (
        "dinov2: no metric is measured with it; name fd_dinov2 under metrics.metrics, or drop it"
    )
    assert refusal(folder, TEXT | {"dinov2": FILE}) == (
        "dinov2: no metrics are measured; say which under metrics, or drop it"
    )


def test_a_world_may_have_it_beside_its_own_network(folder):
    both = (("metrics", "metrics"), ["fd", "fd_dinov2"]), (("dinov2",), FILE)
    assert load(folder, MADE, *both).params.metrics.metrics == ("fd", "fd_dinov2")
    said = refusal(folder, MADE, both[0])
    assert said == "metrics.metrics: fd_dinov2 needs DINOv2; give its file as dinov2.path"


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """The miniature's pictures, with fd_dinov2 measured."""
    monkeypatch.chdir(tmp_path)
    study = StudyFolder(tmp_path)
    study.edit(
        ("metrics", "metrics"), ["fd", "kid", "precision", "recall", "accuracy", "fd_dinov2"]
    )
    study.edit(("dinov2",), FILE)
    return study


@pytest.mark.parametrize(
    ("edits", "sentence"),
    [
        ([(("dinov2",), None)], "metrics.metrics: fd_dinov2 needs DINOv2; give its file as"),
        (
            [(("reference",), ADM), (("features",), INCEPTION)],
            "dinov2.reference: is missing: adm has statistics of Inception's features, and "
            "fd_dinov2 compares with images; say which, such as {count: 50000}",
        ),
        (
            [(("dinov2", "reference"), {"count": 3})],
            "dinov2.reference.count: must be above metrics.prc_neighbourhood (3)",
        ),
        ([(("dinov2", "reference"), ADM)], "dinov2.reference.kind: must be 'images', not 'adm'"),
    ],
)
def test_mistakes_beside_pictures_are_sentences_too(pictures, edits, sentence):
    for path, value in edits:
        pictures.edit(path, value)
    with pytest.raises(UserError) as refused:
        pictures.load(scale="mini")
    assert f"scales/mini/pictures.yaml: {sentence}" in str(refused.value)


def test_pictures_may_have_it_beside_any_network(pictures):
    part = pictures.part(scale="mini")
    assert part.fingerprints["dinov2"] == "absent:dinov2.pth"
    assert part.params.dinov2.reference is None
    pictures.edit(("dinov2", "reference"), {"count": 50})
    assert pictures.part(scale="mini").params.dinov2.reference.kind == "images"

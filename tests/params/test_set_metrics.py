"""Metrics of a text part's images as a set: what is read of them, and every refusal."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_made import MADE
from tiny_text import TEXT, changed, write

from w2s.errors import UserError
from w2s.params.load import load_study

INCEPTION = {"kind": "inception-v3-compat", "path": "inception.pth"}
PHOTOS = {"kind": "folder", "path": "photos", "resolution": 64}
COMPARED = TEXT | {"metrics": {"metrics": ["fd"]}, "features": INCEPTION, "reference": PHOTOS}
COLUMNS = {"text": ("tables", "prompted", "columns"), "made": ("tables", "captioned", "columns")}


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


def test_what_is_compared_with_is_known_by_content(folder):
    absent = load(folder, COMPARED).fingerprints
    assert absent["features"] == "absent:inception.pth"
    assert absent["reference"] == "absent:photos"
    (folder / "photos").mkdir()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(folder / "photos/one.png")
    (folder / "inception.pth").write_text("weights")
    there = load(folder, COMPARED).fingerprints
    (folder / "photos").rename("elsewhere")
    moved = load(folder, COMPARED, (("reference", "path"), "elsewhere")).fingerprints
    assert moved["reference"] == there["reference"] != absent["reference"]
    assert moved["features"] == there["features"] != absent["features"]


def test_a_world_is_compared_with_itself(folder):
    part = load(folder, MADE)
    assert (part.params.features, part.params.reference, part.fingerprints) == (None, None, {})
    assert load(folder, MADE, (("reference",), {"count": 8})).params.reference.kind == "images"


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("features",), None, "metrics: there is no network to measure with; describe one under"),
        (("reference",), None, "metrics: there is nothing to compare with; describe images under"),
        (("reference",), {"count": 3}, "reference.kind: a part without a world has no images of"),
        (("reference", "resolution"), None, "reference.resolution: must be"),
        (("reference", "flat"), True, "reference.flat: unknown key"),
        (("metrics", "metrics"), ["accuracy"], "metrics.metrics: accuracy asks for classes, and"),
        (("reference", "count"), 3, "metrics.prc_neighbourhood: must be below the reference's 3"),
        (COLUMNS["text"], ["kid", "fd"], "tables.prompted.columns[0]: kid is not among metrics"),
        (COLUMNS["text"], ["confidence"], "tables.prompted.columns[0]: must be "),
        (COLUMNS["text"], ["forwards"], "tables.prompted.columns: has no score; add one of"),
    ],
)
def test_every_mistake_is_a_sentence_with_its_key(folder, path, value, sentence):
    assert refusal(folder, COMPARED, (path, value)).startswith(sentence)


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("features",), INCEPTION, "features: metrics are measured with the world's own network"),
        (("reference",), PHOTOS, "reference.kind: a world is compared with its own images; drop"),
        (("metrics", "metrics"), ["fd", "sfd"], "metrics.metrics: sfd needs the inception-v3-co"),
        (("metrics", "prc_neighbourhood"), 90, "metrics.prc_neighbourhood: must be below the re"),
    ],
)
def test_a_world_has_its_own_network_and_images(folder, path, value, sentence):
    assert refusal(folder, MADE, (path, value)).startswith(sentence)


@pytest.mark.parametrize("key", ["features", "reference"])
def test_nothing_is_described_that_nothing_is_compared_with(folder, key):
    block = {key: COMPARED[key]}
    assert refusal(folder, TEXT | block) == (
        f"{key}: no metrics are measured; say which under metrics, or drop it"
    )


def test_a_column_without_a_reference_is_refused(folder):
    said = refusal(folder, TEXT, (COLUMNS["text"], ["saturation", "fd"]))
    assert said == (
        "tables.prompted.columns[1]: fd compares with real images: name it under metrics.metrics"
    )


def test_a_sweep_shows_what_is_measured_too(folder):
    sweep = {"model": "main", "seeds": [7, 8], "columns": ["words", "fd"], "by": "words"}
    study = MADE | {"sweep": sweep | {"weights": {"cfg": [2.0, 3.0]}}}
    assert load(folder, study).params.sweep.columns == ("words", "fd")
    said = refusal(folder, study, (("metrics",), None), (COLUMNS["made"], ["words"]))
    assert said.startswith("sweep.columns[1]: fd compares with real images: name it under")


def test_kid_takes_subsets_of_what_is_there(folder):
    changes = (("metrics", "metrics"), ["kid"]), (("reference", "count"), 200)
    said = refusal(folder, COMPARED, *changes)
    assert said == "metrics.kid_subset_size: must be below the reference's 200 images"


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a.txt"], "reference.path: photos has no images ("),
        (["one/a.png"], "reference.path: photos has sub-folders; give the folder that the images"),
    ],
)
def test_a_folder_without_images_is_refused(folder, names, sentence):
    for name in names:
        (folder / "photos" / name).parent.mkdir(parents=True)
        (folder / "photos" / name).write_text("x")
    assert refusal(folder, COMPARED).startswith(sentence)

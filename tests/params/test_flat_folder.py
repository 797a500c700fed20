"""A folder of images without class folders as a study's data."""

import pytest
from PIL import Image
from refusals import refused

FILE = "scales/paper/pictures.yaml"
DATA = {"kind": "folder", "path": "photos", "resolution": 256, "flat": True}


@pytest.fixture
def photos(study_folder, tmp_path):
    """The paper's study on a flat folder, and that folder."""
    (tmp_path / "photos").mkdir()
    for i in range(2):
        Image.new("RGB", (300, 280), (i, 0, 0)).save(tmp_path / f"photos/{i}.jpg")
    study_folder.edit(("data",), DATA, FILE)
    study_folder.edit(("scale",), "paper", "params.yaml")
    return tmp_path / "photos"


def index_of(study_folder):
    (node,) = (n for n in study_folder.plan(scale="paper").nodes.values() if n.kind == "index")
    return node


def test_it_is_one_class_and_another_index_than_a_folder_of_one(study_folder, photos):
    assert study_folder.part().data["classes"] == 1
    flat = index_of(study_folder)
    assert flat.spec["flat"] is True
    study_folder.edit(("data",), DATA | {"flat": False, "classes": 1}, FILE)
    one_class = index_of(study_folder)
    assert "flat" not in one_class.spec
    assert one_class.key != flat.key


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("data", "classes"), 10, "a flat folder is one class and not 10"),
        (("data", "path"), "nowhere", "there is no folder nowhere; give one with images"),
        (("data", "path"), "empty", "empty has no images (.png, .jpg, .jpeg, .webp)"),
        (("data", "path"), ".", ". has sub-folders and flat: true is set"),
        (("data", "flat"), False, "set data.flat: true in the scale's file where they are one"),
        (("features",), {"kind": "trained", "steps": 9}, "a flat folder is one class; take incep"),
    ],
)
def test_misfits_are_a_sentence(study_folder, photos, tmp_path, capsys, path, value, words):
    (tmp_path / "empty").mkdir()
    if path == ("features",):
        study_folder.edit(("reference",), {"kind": "images"}, FILE)
    study_folder.edit(path, value, FILE)
    lines = refused(capsys)
    assert words in lines[0]
    assert lines[0].startswith(f"{FILE}: ")

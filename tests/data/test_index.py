"""An index lists what is usable, and names everything that is not at once."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from w2s.data.csv_files import read_csv
from w2s.data.images import Images
from w2s.data.sources import Folder
from w2s.errors import UserError


def spoil(root):
    """Five files that cannot be used, each in its own way; gives their names."""
    (root / "cat/empty.png").touch()
    (root / "cat/notes.txt").write_text("not an image")
    (root / "dog/cut.png").write_bytes((root / "dog/0.png").read_bytes()[:-30])
    (root / "dog/gone.png").symlink_to(root / "nowhere.png")
    Image.new("RGB", (4, 4)).save(root / "stray.png")
    return ["cat/empty.png", "cat/notes.txt", "dog/cut.png", "dog/gone.png", "stray.png"]


def test_rows_are_sorted_and_carry_checksums_and_sizes(folder, build_index):
    (folder / "README.md").write_text("ignored")
    (folder / ".cache").mkdir()
    (folder / "cat/.DS_Store").write_text("ignored")
    (folder / "attributes.csv").write_text("file,caption\ncat/0.png,a cat\n")
    node = build_index(folder)
    rows = read_csv(node / "index.csv")
    assert [row["file"] for row in rows] == [f"{c}/{i}.png" for c in ("cat", "dog") for i in "012"]
    assert [row["label"] for row in rows] == ["0"] * 3 + ["1"] * 3
    assert rows[0]["sha256"] == hashlib.sha256((folder / "cat/0.png").read_bytes()).hexdigest()
    assert (rows[0]["width"], rows[0]["height"]) == ("20", "16")
    assert json.loads((node / "classes.json").read_text()) == ["cat", "dog"]
    assert (node / "attributes.csv").read_text() == (folder / "attributes.csv").read_text()
    assert read_csv(node / "skipped.csv") == []


def test_all_bad_files_are_refused_at_once(folder, build_index):
    names = spoil(folder)
    with pytest.raises(UserError, match="has 5 bad files") as error:
        build_index(folder)
    assert all(name in str(error.value) for name in names)
    assert "on_bad_file" in str(error.value)


def test_bad_files_are_skipped_and_recorded(folder, build_index):
    names = spoil(folder)
    node = build_index(folder, "skip")
    assert len(read_csv(node / "index.csv")) == 6
    skipped = read_csv(node / "skipped.csv")
    assert sorted(row["file"] for row in skipped) == names
    assert all(row["reason"] for row in skipped)


@pytest.mark.parametrize("on_bad_file", ["refuse", "skip"])
def test_classes_without_images_are_refused_by_name(folder, build_index, on_bad_file):
    (folder / "owl").mkdir()
    (folder / "eel").mkdir()
    (folder / "eel/broken.jpg").write_bytes(b"\xff\xd8")
    with pytest.raises(UserError, match=r"2 classes without images \(eel; owl\)"):
        build_index(folder, on_bad_file)


def test_no_folder_and_no_classes_are_told_apart(tmp_path, build_index):
    with pytest.raises(UserError, match="does not exist"):
        build_index(tmp_path / "absent")
    (tmp_path / "README").touch()
    with pytest.raises(UserError, match="has no class folders"):
        build_index(tmp_path)


@pytest.fixture
def flat(folder):
    """A folder with three images in it, and with nothing else that counts."""
    for file in (folder / "cat").iterdir():
        file.rename(folder / file.name)
    for name in ("cat", "dog"):
        shutil.rmtree(folder / name)
    (folder / "captions.json").write_text("{}")
    (folder / ".cache").mkdir()
    return folder


def test_a_flat_folder_is_one_class(flat, build_index):
    (flat / "3.JPG").write_bytes((flat / "0.png").read_bytes())
    node = build_index(flat, flat=True)
    rows = read_csv(node / "index.csv")
    assert [row["file"] for row in rows] == ["0.png", "1.png", "2.png", "3.JPG"]
    assert {row["label"] for row in rows} == {"0"}
    assert rows[0]["sha256"] == hashlib.sha256((flat / "0.png").read_bytes()).hexdigest()
    assert json.loads((node / "classes.json").read_text()) == ["images"]
    images = Images(node, Folder(flat), 16)
    assert images.read(np.arange(4)).shape == (4, 16, 16, 3)


def test_a_flat_folders_bad_files_are_named_or_skipped(flat, build_index):
    (flat / "cut.png").write_bytes((flat / "0.png").read_bytes()[:-30])
    with pytest.raises(UserError, match=r"has 1 bad files \(cut\.png is damaged"):
        build_index(flat, flat=True)
    node = build_index(flat, "skip", flat=True)
    assert len(read_csv(node / "index.csv")) == 3
    assert [row["file"] for row in read_csv(node / "skipped.csv")] == ["cut.png"]


def test_a_flat_folder_holds_images_and_no_folders(folder, tmp_path, build_index):
    with pytest.raises(UserError, match=r"said to be flat and has folders in it \(cat, dog\)"):
        build_index(folder, flat=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"has 1 classes without images \(images\)"):
        build_index(tmp_path / "empty", flat=True)


def test_nested_files_and_any_file_name_are_kept(folder, build_index):
    (folder / "cat/deep").mkdir()
    odd = 'deep/comma, "quote"\n\udcff.png'  # \udcff stands for a byte that is not UTF-8
    (folder / "cat/0.png").rename(folder / "cat" / odd)
    rows = read_csv(build_index(folder) / "index.csv")
    assert rows[2]["file"] == f"cat/{odd}"


def test_threads_do_not_change_the_bytes(folder, build_index):
    spoil(folder)
    one, many = build_index(folder, "skip", threads=1), build_index(folder, "skip", threads=4)
    for name in ("index.csv", "skipped.csv", "classes.json"):
        assert (one / name).read_bytes() == (many / name).read_bytes()

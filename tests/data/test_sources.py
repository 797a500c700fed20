"""A pack shows the images of a folder just as the folder does."""

import os

import numpy as np
import pytest

from w2s.data import index
from w2s.data.images import Images
from w2s.data.sources import PACK, Folder, Pack, Packing
from w2s.errors import UserError
from w2s.job import Job


@pytest.fixture
def pack(folder, tmp_path):
    """The folder's files in one, with what no index lists among them."""
    (folder / "attributes.csv").write_text("file,caption\ncat/0.png,a cat\n")
    (folder / "dog/old").mkdir()
    os.link(folder / "dog/0.png", folder / "dog/old/first.png")
    (folder / "cat/.hidden.png").write_bytes(b"no image")
    node = tmp_path / "images"
    node.mkdir()
    with Packing(node / PACK) as packing:
        for path in sorted(folder.rglob("*.*"), reverse=True):
            packing.add(path.relative_to(folder).as_posix(), path.read_bytes())
    return Pack(node / PACK)


def test_both_name_the_same_files(folder, pack):
    plain = Folder(folder)
    assert pack.folders() == plain.folders() == ["cat", "dog"]
    for name in ("cat", "dog"):
        assert pack.files(name) == plain.files(name)
    assert pack.files("dog")[-1] == "dog/old/first.png"
    assert pack.loose() == plain.loose() == []
    assert pack.read("dog/1.png") == plain.read("dog/1.png")


def test_both_are_indexed_alike_and_read_alike(folder, pack, build_index, tmp_path):
    out = tmp_path / "index"
    out.mkdir()
    spec = {"source": "images", "on_bad_file": "refuse"}
    index.build(Job("index", "k", spec, out, {"images": [pack.path.parent]}))
    plain = build_index(folder)
    names = {path.name for path in plain.iterdir()}
    assert names == {path.name for path in out.iterdir()} >= {"index.csv", "attributes.csv"}
    for name in names:
        assert (out / name).read_bytes() == (plain / name).read_bytes()
    rows = np.array([6, 0, 3])
    read = Images(out, pack, 16, threads=3).read(rows)
    assert np.array_equal(read, Images(plain, Folder(folder), 16).read(rows))


def test_the_bytes_of_a_pack_are_those_of_its_files(folder, tmp_path):
    for name in ("a", "b"):
        with Packing(tmp_path / name) as packing:
            packing.add("cat/0.png", (folder / "cat/0.png").read_bytes())
        os.utime(folder / "cat/0.png", (0, 0))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_file_that_a_pack_lacks_is_named(pack, folder, build_index):
    images = Images(build_index(folder), pack, 16)
    images.files[0] = "cat/9.png"
    with pytest.raises(UserError, match=r"images\.zip/cat/9\.png was indexed but cannot be read"):
        images.read(np.array([0]))

"""Which samples a grid shows: the same in every row, and real images of the same classes."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from report_rows import KEY, REAL, ROW, TABLE, key_of

from w2s.plan.published import Group
from w2s.report.grid import APART
from w2s.report.pictures import (
    COLUMNS,
    COMPARED,
    GAIN,
    changed,
    draw_pictures,
    first_seed,
    of_classes,
    varied,
)
from w2s.report.publish import publish
from w2s.store import folders

CLASSES = ["red circle", "blue star", "green ring"]
SIZE = 8


def store(kind, key, **files):
    """A published node with these files."""
    scratch = folders.scratch_dir(kind, key)
    for name, content in files.items():
        if isinstance(content, np.ndarray):
            np.save(scratch / f"{name}.npy", content)
        else:
            (scratch / f"{name}.json").write_text(json.dumps(content))
    folders.publish(scratch, kind, key, {})


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Decoded samples whose every pixel is ten times the label, of two rows, and an index."""
    monkeypatch.chdir(tmp_path)
    for row, labels in ((ROW, np.arange(40) % 3), (REAL, np.arange(40) // 15)):
        shades = (10 * (1 + labels)).astype(np.uint8)
        images = np.broadcast_to(shades[:, None, None, None], (40, SIZE, SIZE, 3))
        seeds = np.repeat([4, 7], 20)
        store("decoded", row.shown, images=images.copy(), labels=labels, seeds=seeds)
        per_seed = {"fd": [1.0, 2.0]}
        facts = {"per_seed": per_seed, "n": 20, "reference_images": 90, "seeds": [4, 7]}
        store("metrics", row.measured[0], metrics=facts)
    store("index", TABLE.index, classes=CLASSES)
    return tmp_path


def shades(path, lines, columns=COLUMNS, margin=12):
    """The shade of each picture of a grid's last block: (lines, columns)."""
    pixels = np.asarray(Image.open(path))[:-12, :-margin]
    pitch = 96 + 4
    left, top = pixels.shape[1] - columns * pitch + 4, pixels.shape[0] - lines * pitch + 4
    return pixels[top + 48 :: pitch, left + 48 :: pitch, 0]


def blocks(path, lines):
    """The shades of the pictures, and of what has changed in them."""
    right = 12 + COMPARED * 100 - 4 + APART + 4
    return shades(path, lines, COMPARED, right), shades(path, lines, COMPARED)


def test_as_many_classes_as_can_be_are_shown():
    labels = np.repeat(np.arange(10), 30)
    places = varied(labels, 15)
    assert places == sorted(set(places))
    assert set(labels[places]) == set(range(10))


def test_only_the_first_seeds_samples_are_shown(drawn):
    folder = folders.node_dir("decoded", ROW.shown)
    np.testing.assert_array_equal(first_seed(folder), np.arange(20) % 3)


def test_each_wanted_class_has_an_image_of_its_own_or_none():
    labels = np.array([2, 0, 0, 1])
    assert of_classes(labels, np.array([0, 0, 0, 1, 5])) == [1, 2, None, 3, None]


def test_real_images_stand_under_their_own_class_or_leave_a_gap(drawn):
    draw_pictures(drawn / "grid.png", KEY, TABLE, [REAL, ROW])
    real, sampled = shades(drawn / "grid.png", 2)
    assert set(sampled) == {10, 20, 30}
    there = real != 255
    np.testing.assert_array_equal(real[there], sampled[there])
    assert there[sampled == 10].all()
    assert not there[sampled == 30].any()  # its first group holds none of the third class


def test_without_classes_real_images_are_just_varied(drawn):
    draw_pictures(drawn / "grid.png", KEY, TABLE, [REAL, replace(ROW, conditional=False)])
    assert (shades(drawn / "grid.png", 2) != 255).all()


def test_beside_its_samples_a_row_shows_what_it_changed(drawn):
    """The guided row's pixels lie 5 above the baseline's, which itself and real images lack."""
    plain = replace(ROW, name="none", label="no guidance", shown="5" * 16)
    labels = np.load(folders.node_dir("decoded", ROW.shown) / "labels.npy")
    images = np.load(folders.node_dir("decoded", ROW.shown) / "images.npy") - np.uint8(5)
    seeds = np.repeat([4, 7], 20)
    store("decoded", plain.shown, images=images, labels=labels, seeds=seeds)
    draw_pictures(drawn / "grid.png", KEY, TABLE, [REAL, plain, ROW])
    pictures, changes = blocks(drawn / "grid.png", 3)
    np.testing.assert_array_equal(pictures[1] + 5, pictures[2])
    assert set(pictures[2]) == {10, 20, 30}
    assert (changes[:2] == 255).all()
    assert (changes[2] == 128 + 5 * GAIN).all()


def test_a_change_beyond_what_fits_is_cut_off():
    low, high = np.zeros((1, 2, 2, 3), np.uint8), np.full((1, 2, 2, 3), 200, np.uint8)
    assert (changed(high, low) == 255).all()
    assert (changed(low, high) == 0).all()
    assert (changed(high, high) == 128).all()


def test_a_group_passes_its_facts_whole_to_what_is_published(drawn):
    row, against = (json.loads(json.dumps(vars(r))) for r in (REAL, ROW))
    facts = {"table": vars(TABLE), "row": row, "against": against}
    paths = ("cells/real/fd.json", "cells/real/forwards.json", "figures/real.png")
    group = Group("cells/guidance/real", tuple(f"results/{path}" for path in paths), (), facts)
    publish(group)
    cell = json.loads((drawn / "results/cells/real/fd.json").read_text())
    assert (cell["value"], cell["n"], cell["reference_images"]) == (1.5, 20, 90)
    assert cell["nodes"] == [["metrics", REAL.measured[0]]]
    assert key_of(drawn / "results/figures/real.png") == group.key

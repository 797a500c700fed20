"""The miniature world: balanced, deterministic, and drawn as its names say."""

import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from w2s.data.csv_files import read_csv
from w2s.data.sources import PACK, Pack
from w2s.job import Job
from w2s.world import render, scenes


def test_classes_and_nuisances_are_balanced():
    captions = Counter(scenes.attributes(s)["caption"] for s in scenes.random_scenes(720, 0.25, 0))
    assert len(captions) == 360
    assert set(captions.values()) == {2}
    few = Counter(scenes.attributes(s)["class"] for s in scenes.random_scenes(65, 0.25, 0))
    assert set(few) == set(scenes.CLASSES)
    assert set(few.values()) == {2, 3}


def test_jitter_scales_every_free_variation():
    calm, wild = scenes.random_scenes(400, 0.0, 3), scenes.random_scenes(400, 1.0, 3)
    for name in ("x", "y", "turn", "phase"):
        assert (calm[name] == 0).all()
        assert wild[name].std() > 0.05
    assert np.abs(wild["turn"]).max() <= np.pi / 7
    reach = np.abs(wild["x"]) + wild["radius"]
    assert reach.max() <= 1


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        ("circle", np.pi),
        ("square", 4 * 0.82**2),
        ("triangle", 3 * np.sqrt(3) * 0.58**2),
        ("star", 5 * 1.12 * 0.46 * np.sin(np.pi / 5)),
        ("heart", 0.85**2 * (2 + np.pi / 2)),
        ("ring", np.pi * (1.0**2 - 0.52**2)),
    ],
)
def test_shapes_cover_their_area(shape, area):
    scene = np.zeros(1, scenes.SCENE)
    scene["shape"], scene["radius"] = list(scenes.SHAPES).index(shape), 0.7
    ground, paint = np.array(scenes.BACKGROUNDS["navy"]), np.array(scenes.COLOURS["red"])
    cover = (scenes.draw(scene, 128)[0] - ground.astype(float))[..., 0] / (paint - ground)[0]
    assert cover.mean() * 4 / 0.7**2 == pytest.approx(area, rel=0.01)


def test_a_turn_rotates_and_stripes_only_touch_the_ground():
    scene = np.zeros(2, scenes.SCENE)
    scene["shape"], scene["radius"] = list(scenes.SHAPES).index("star"), 0.7
    scene["turn"] = [0, np.pi / 2]
    upright, turned = scenes.draw(scene, 64)
    assert np.abs(np.rot90(upright).astype(int) - turned).max() <= 1
    scene["turn"], scene["texture"] = 0, [0, 1]
    plain, striped = scenes.draw(scene, 64)
    assert np.array_equal(plain[32, 32], striped[32, 32])
    assert plain[0].std(axis=0).max() == 0
    assert striped[0].std(axis=0).max() > 10


def test_rendering_writes_a_folder_of_classes_with_the_same_bytes_each_time(tmp_path):
    spec = {"count": 60, "resolution": 12, "jitter": 0.25, "seed": 5}
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        render.build(Job("images", "k", spec, tmp_path / name))
    pack = Pack(tmp_path / "a" / PACK)
    (tmp_path / "read.csv").write_bytes(pack.read("attributes.csv"))
    rows = read_csv(tmp_path / "read.csv")
    assert len(rows) == 60
    assert pack.folders() == sorted(scenes.CLASSES)
    pictures = scenes.draw(scenes.random_scenes(60, 0.25, 5), 12)
    for row, picture in zip(rows, pictures, strict=True):
        assert row["class"] == row["file"].split("/")[0] == f"{row['colour']}-{row['shape']}"
        shown = Image.open(io.BytesIO(pack.read(row["file"])))
        assert np.array_equal(np.asarray(shown), picture)
    assert (tmp_path / "a" / PACK).read_bytes() == (tmp_path / "b" / PACK).read_bytes()

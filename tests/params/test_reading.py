"""Files become parameters: numbers, layers, overrides and the user's own folder."""

import os
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tiny_study import DELETE

from w2s.params.files import Layers, merge, read_yaml, spelled
from w2s.params.fingerprint import CACHE, fingerprint
from w2s.params.settings import ExecutionParams, Settings

TREE = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
BLOCK = st.dictionaries(st.text(max_size=2), TREE, max_size=3)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-4", 1e-4), ("3E5", 3e5), ("-2e+3", -2e3), (".5e1", 5.0), ("1.0e-4", 1e-4), ("7", 7)],
)
def test_numbers_are_numbers(tmp_path, text, value):
    (tmp_path / "x.yaml").write_text(f"a: {text}\n")
    found = read_yaml(tmp_path / "x.yaml")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", ["1e4x", "e4", "1200@x", "'1e-4'", "2603.20584v1"])
def test_texts_stay_texts(tmp_path, text):
    (tmp_path / "x.yaml").write_text(f"a: {text}\n")
    assert isinstance(read_yaml(tmp_path / "x.yaml")["a"], str)


def test_whole_numbers_are_accepted_for_floats(study_folder):
    study_folder.edit(("guidance", "cfg", "weight"), 2)
    study_folder.edit(("training", "lr"), 1)
    study = study_folder.part().params
    assert type(study.guidance["cfg"][0].weight) is float
    assert type(study.training.lr) is float


@given(BLOCK, BLOCK)
def test_what_lies_above_wins_and_the_rest_shows_through(below, above):
    merged = merge(below, above)
    assert set(merged) == set(below) | set(above)
    assert all(merged[key] == below[key] for key in below if key not in above)
    assert all(merged[key] == above[key] for key in above if not isinstance(above[key], dict))
    assert merge(merged, above) == merged


@given(BLOCK)
def test_nothing_over_something_changes_nothing(block):
    assert merge(block, {}) == block == merge({}, block)


def test_a_block_of_another_kind_replaces():
    below = {"data": {"kind": "toy", "count": 3}, "vae": {"kind": "trained", "steps": 4}}
    above = {"data": {"kind": "folder", "path": "x"}, "vae": {"kind": "trained", "lr": 1}}
    assert merge(below, above) == {
        "data": {"kind": "folder", "path": "x"},
        "vae": {"kind": "trained", "steps": 4, "lr": 1},
    }


def test_paths_are_spelled_as_written():
    layers = Layers((("low", {"a": {"x.y": [{"b": 1}]}}), ("high", {"c": {"d": {"e": 1}}})))
    assert spelled(("a", "x.y", 0, "b")) == "a.x.y[0].b"
    assert layers.where(("a", "x.y", 0, "b")) == "low: a.x.y[0].b"
    assert layers.where(("a", "x.y", 0, "new")) == "low: a.x.y[0].new"
    assert layers.where(("c", "d", 0, "e")) == "high: c.d.e"  # a block where a list may stand
    assert layers.where(("new",)) == "high: new"


def test_the_smoke_scale_is_mini_with_less_of_everything(study_folder):
    smoke, mini = (study_folder.part(scale=name).params for name in ("smoke", "mini"))
    assert smoke.sampling.steps < mini.sampling.steps
    assert smoke.sampling.solver == mini.sampling.solver
    assert {t: list(b.rows) for t, b in smoke.tables.items()} == {
        t: list(b.rows) for t, b in mini.tables.items()
    }


def test_a_scale_is_chosen_in_the_file_or_on_the_command_line(study_folder):
    assert study_folder.load().scale == "mini"
    assert study_folder.load(scale="smoke").scale == "smoke"
    study_folder.edit(("scale",), "smoke", "params.yaml")
    assert study_folder.load().scale == "smoke"


@pytest.mark.parametrize("scale", ["smoke", "mini", "paper"])
def test_every_scale_is_valid(study_folder, scale):
    study = study_folder.load(scale=scale)
    assert study.scale == scale
    assert study.part().params.tables


def own_images(root: Path) -> Path:
    """Two classes with an image each; only their bytes matter here."""
    for name in ("cats", "dogs"):
        (root / name).mkdir(parents=True)
        (root / name / "1.png").write_bytes(name.encode())
    return root


@pytest.mark.parametrize("scale", ["smoke", "mini"])
def test_a_folder_of_ones_own_runs_the_whole_study(study_folder, tmp_path, scale):
    own_images(tmp_path / "pets")
    part = study_folder.part(scale=scale, data="pets")
    toy = study_folder.part(scale=scale)
    assert part.data["name"] == "pets"
    assert part.data["classes"] == 2
    assert part.params.data.resolution == toy.params.data.resolution
    assert part.params.training == toy.params.training
    study_folder.edit(("data",), "pets", "params.yaml")
    assert study_folder.part(scale=scale).data == part.data


def test_rows_of_held_out_images_are_left_out_on_a_folder_of_ones_own(study_folder, tmp_path):
    own_images(tmp_path / "pets")
    toy, own = (study_folder.load(data=data).part().params for data in (None, "pets"))
    assert "real" in toy.tables["guidance"].rows
    for name, table in toy.tables.items():
        rest = {row: entry for row, entry in table.rows.items() if not entry.real}
        assert own.tables[name].rows == rest


def test_a_folder_of_ones_own_is_compared_with_itself(study_folder, tmp_path):
    own_images(tmp_path / "pets")
    assert study_folder.load(scale="paper").part().params.reference.kind == "adm"
    assert study_folder.load(scale="paper", data="pets").part().params.reference.kind == "images"


def test_the_own_folder_keeps_nothing_of_the_scales_data(study_folder, tmp_path):
    own_images(tmp_path / "pets")
    part = study_folder.part(scale="paper", data="pets")
    assert part.data["classes"] == 2
    assert part.data["fingerprint"] != "imagenet-1k-2012-train"


def change_date(root):
    os.utime(root / "cats/1.png", (1, 1))


def shuffle_dates(root):
    for i, path in enumerate(sorted(root.rglob("*.png"))):
        os.utime(path, (10**9 - i, 10**9 - i))


def change_content(root):
    (root / "cats/1.png").write_bytes(b"stac")


def rename_file(root):
    (root / "cats/1.png").rename(root / "cats/2.png")


def rename_class(root):
    (root / "cats").rename(root / "lions")


def add_file(root):
    (root / "cats/3.png").write_bytes(b"")


def swap(root):
    (root / "cats/1.png").rename(root / "x")
    (root / "dogs/1.png").rename(root / "cats/1.png")
    (root / "x").rename(root / "dogs/1.png")


def add_hidden(root):
    (root / ".cache").write_bytes(b"x")


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize(
    ("edit", "same"),
    [
        (change_date, True),
        (shuffle_dates, True),
        (add_hidden, True),
        (change_content, False),
        (rename_file, False),
        (rename_class, False),
        (add_file, False),
        (swap, False),
    ],
)
def test_contents_and_names_make_the_fingerprint(study_folder, tmp_path, edit, same, cached):
    root = own_images(tmp_path / "pets")
    before = fingerprint(root)
    edit(root)
    if not cached:
        CACHE.unlink()
    assert (fingerprint(root) == before) is same


def test_a_copy_elsewhere_has_the_same_fingerprint(study_folder, tmp_path):
    root = own_images(tmp_path / "pets")
    shutil.copytree(root, tmp_path / "elsewhere/animals")
    assert fingerprint(root) == fingerprint(tmp_path / "elsewhere/animals")


def test_params_yaml_shows_every_key_there_is(study_folder, tmp_path):
    shown = yaml.safe_load((tmp_path / "params.yaml").read_text())
    assert set(shown) == set(Settings.model_fields)
    assert shown["execution"] == ExecutionParams().model_dump()


def test_keys_left_out_have_their_defaults(study_folder):
    study_folder.edit(("execution",), DELETE, "params.yaml")
    assert study_folder.load().execution == ExecutionParams()

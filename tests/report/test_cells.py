import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_rows import KEY, REAL, ROW, TABLE, key_of, run_of

from w2s.report.cells import build_cell, judge
from w2s.report.files import write_json

T_2 = 4.302652729911275  # Student's t, 97.5 %, two degrees of freedom


def test_interval_over_sampling_seeds_is_students(table, row):
    cell = build_cell(table, row, "fd", [run_of([4.0, 5.0, 6.0])], None)
    assert cell["value"] == pytest.approx(5.0)
    half = T_2 * 1.0 / math.sqrt(3)
    assert cell["interval"] == pytest.approx([5 - half, 5 + half])
    assert cell["covers"].startswith("3 sampling seeds of one trained model")
    assert cell["per_seed"] == [[4.0, 5.0, 6.0]]
    assert (cell["n"], cell["seeds"], cell["difference"]) == (480, [0, 1, 2], None)


def test_several_trained_models_count_once_each(table, row):
    table = replace(table, training_seeds=[7, 8, 9])
    runs = [run_of([3.0, 5.0]), run_of([4.5, 5.5]), run_of([6.0, 6.0])]
    cell = build_cell(table, row, "fd", runs, None)
    half = T_2 * 1.0 / math.sqrt(3)  # the means are 4, 5 and 6; the draws' own spread is inside
    assert cell["interval"] == pytest.approx([5 - half, 5 + half])
    assert cell["covers"].startswith("3 training seeds")


def test_one_seed_gives_no_interval_and_says_so(table, row):
    cell = build_cell(table, row, "fd", [run_of([4.0])], [run_of([5.0])])
    assert cell["interval"] is None
    assert "no interval" in cell["covers"]
    assert cell["difference"]["value"] == -1.0
    assert cell["difference"]["interval"] is None


def test_differences_are_paired_by_seed(table, row):
    noise = [0.0, 10.0, -10.0]
    run = run_of([4.0 + shared for shared in noise])
    base = run_of([5.0 + shared for shared in noise])
    cell = build_cell(table, row, "fd", [run], [base])
    low, high = cell["difference"]["interval"]
    assert (low, high) == pytest.approx((-1, -1))  # the shared noise cancels
    assert cell["interval"][1] - cell["interval"][0] > 40


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=6), st.floats(-10, 10))
def test_a_shift_moves_value_and_interval_alike(values, shift):
    cell = build_cell(TABLE, ROW, "fd", [run_of(values)], None)
    moved = build_cell(TABLE, ROW, "fd", [run_of([value + shift for value in values])], None)
    assert moved["value"] - cell["value"] == pytest.approx(shift, abs=1e-9)
    assert moved["interval"] == pytest.approx([end + shift for end in cell["interval"]], abs=1e-6)
    assert cell["interval"][0] <= cell["value"] <= cell["interval"][1]


def test_other_seeds_cannot_be_paired(table, row):
    base = run_of([1.0, 2.0, 3.0]) | {"seeds": [5, 6, 7]}
    with pytest.raises(ValueError, match="pair"):
        build_cell(table, row, "fd", [run_of([1.0, 2.0, 3.0])], [base])


def test_forwards_are_counted(table, row):
    cell = build_cell(table, row, "forwards", [run_of([1.0, 2.0])], [run_of([1.0, 2.0])])
    assert (cell["value"], cell["interval"], cell["difference"]) == (1.5, None, None)
    assert "counted" in cell["covers"]


@pytest.mark.parametrize(
    ("value", "verdict"), [(6.49, "pass"), (6.74, "pass"), (6.24, "pass"), (6.75, "fail")]
)
def test_verdict_is_the_distance_to_the_published_value(row, value, verdict):
    published = {"value": 6.49, "tolerance": 0.2501, "source": "a paper"}
    assert judge(value, published, row)[0] == verdict
    assert "0.2501" in judge(value, published, row)[1]


def test_what_is_not_comparable_neither_passes_nor_fails(row):
    assert judge(6.49, None, row) == (None, None)
    published = {"value": 6.49, "tolerance": None, "source": "a paper"}
    verdict, reason = judge(6.49, published, row)
    assert verdict == "not comparable"
    assert "tolerance" in reason
    row = replace(row, comparable=False, why="the mini world is not ImageNet")
    assert judge(6.49, published, row) == ("not comparable", "the mini world is not ImageNet")


def test_an_interval_names_labels_only_where_seeds_differ_in_them(table, row):
    runs = [run_of([1.0, 2.0])]
    assert "fresh noise; labels," in build_cell(table, row, "fd", runs, None)["covers"]
    row = replace(row, random_labels=True)
    assert "fresh noise and labels;" in build_cell(table, row, "fd", runs, None)["covers"]


@pytest.mark.parametrize("training_seeds", [[0], [0, 1, 2]])
def test_real_images_vary_by_group_and_owe_nothing_to_training(table, training_seeds):
    table = replace(table, training_seeds=training_seeds)
    baseline = [run_of([4.0, 5.0, 6.0])] * len(training_seeds)
    cell = build_cell(table, REAL, "fd", [run_of([1.0, 2.0, 3.0])], baseline)
    half = T_2 * 1.0 / math.sqrt(3)
    assert cell["interval"] == pytest.approx([2 - half, 2 + half])
    assert cell["covers"].startswith("3 groups of real images (other images;")
    assert cell["difference"] is None  # no noise in common that could be paired
    assert build_cell(table, REAL, "fd", [run_of([1.0])], None)["interval"] is None


def test_real_images_take_no_forwards(table):
    cell = build_cell(table, REAL, "forwards", [run_of([1.0, 2.0])], None)
    assert (cell["value"], cell["interval"], cell["verdict"]) == (None, None, None)


def test_json_says_its_key_on_the_first_line_and_reads_back(table, row, tmp_path):
    cell = build_cell(table, row, "fd", [run_of([4.0, 5.0])], None)
    path = tmp_path / "guidance" / "cfg-2" / "fd.json"
    write_json(path, KEY, cell)
    assert path.read_text().splitlines()[0] == f'{{"w2s-key": "{KEY}",'
    assert json.loads(path.read_text()) == {"w2s-key": KEY, **cell}
    assert key_of(path) == KEY


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "fd.json"
    write_json(path, KEY, {"value": 1.0})
    before = path.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, KEY, {"value": math.nan})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]

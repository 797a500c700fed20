"""Cells, marks, captions and grids of rows whose intervals are taken over prompts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from report_rows import KEY, ROW, TABLE

from w2s.report.cells import build_cell
from w2s.report.grid import GAP, sample_grid
from w2s.report.tables import marks, write_table

PROMPTED = replace(ROW, kind="score", scored={"saturation": ROW.measured})
WORDS = replace(TABLE, name="prompted", columns=["saturation", "forwards"], training_seeds=[])


def run_of(values, seeds=(0,), per_prompt=1):
    return {
        "per_prompt": list(values),
        "definition": "what it is",
        "seeds": list(seeds),
        "n": len(values) * per_prompt,
    }


def cell_of(values, baseline=None, **row):
    others = None if baseline is None else [run_of(baseline)]
    return build_cell(WORDS, replace(PROMPTED, **row), "saturation", [run_of(values)], others)


def test_an_interval_over_prompts_is_of_resamples():
    """Three times the lowest of three values is one resample in 27, beyond 2.5 percent."""
    cell = cell_of([0.4, 0.5, 0.6])
    assert cell["value"] == pytest.approx(0.5)
    assert cell["interval"] == pytest.approx([0.4, 0.6])
    assert cell["covers"] == (
        "3 prompts (other prompts, each with noise of its own; the networks are fixed; percentiles "
        "of 10,000 resamples with seed 0)"
    )
    assert (cell["per_seed"], cell["per_prompt"]) == (None, [0.4, 0.5, 0.6])
    assert (cell["definition"], cell["training_seeds"]) == ("what it is", [])


def test_seeds_do_not_count_as_further_units():
    cell = build_cell(WORDS, PROMPTED, "saturation", [run_of([1.0, 3.0], seeds=(0, 1, 2))], None)
    assert cell["covers"].startswith("2 prompts")
    assert cell["interval"] == [1, 3]


def test_differences_are_paired_by_prompt():
    hard = [0.0, 0.3, -0.3]  # what the prompts differ in is the same for both rows
    cell = cell_of([0.6 + shared for shared in hard], [0.5 + shared for shared in hard])
    assert cell["difference"]["paired_by"] == "prompts"
    assert cell["difference"]["interval"] == pytest.approx([0.1, 0.1])
    assert cell["interval"][1] - cell["interval"][0] > 0.5


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=6), st.floats(-1, 1))
def test_a_gap_common_to_all_prompts_has_no_width(values, gap):
    low, high = cell_of([value + gap for value in values], values)["difference"]["interval"]
    assert low == pytest.approx(gap, abs=1e-9)
    assert high == pytest.approx(gap, abs=1e-9)


def test_other_prompts_cannot_be_paired():
    with pytest.raises(ValueError, match="cannot pair prompts"):
        cell_of([0.1, 0.2, 0.3], [0.1, 0.2])


def test_one_prompt_has_no_interval():
    cell = cell_of([0.4])
    assert (cell["interval"], cell["covers"]) == (None, "one prompt: no interval")


def test_the_units_are_the_rows_not_the_columns():
    """The same column of a row whose units are seeds is taken over its seeds."""
    seeds = {"per_seed": {"fd": [1.0, 2.0, 3.0]}, "n": 5, "seeds": [0, 1, 2]}
    cell = build_cell(replace(WORDS, training_seeds=[0]), ROW, "fd", [seeds], None)
    assert cell["covers"].startswith("3 sampling seeds")
    assert "per_prompt" not in cell


def test_forwards_are_counted_all_the_same():
    cell = build_cell(WORDS, PROMPTED, "forwards", [run_of([0.4, 0.5])], [run_of([0.4, 0.5])])
    assert (cell["value"], cell["interval"]) == (1.5, None)


def test_marks_separate_by_prompt():
    hard = [0.0, 0.3, -0.3]
    cells = [cell_of([level + shared for shared in hard]) for level in (0.5, 0.6)]
    assert marks("higher", cells) == ["", "best"]
    assert marks(None, cells) == ["", ""]


def test_a_caption_says_prompts_images_and_definitions(tmp_path):
    rows = [
        {"saturation": cell_of([0.4, 0.5, 0.6]), "forwards": build_cell(
            WORDS, PROMPTED, "forwards", [run_of([0.4])], None)},
    ]  # fmt: skip
    write_table(tmp_path, "prompted", KEY, "Words.", ["saturation", "forwards"], rows)
    text = (tmp_path / "prompted.md").read_text()
    for said in (
        "Samples: 1 × 3 images of 3 prompts (sampling seeds 0). Saturation: what it is. A prompt's "
        "images are averaged.",
        "± is half a 95 % bootstrap interval over 3 prompts (other prompts,",
        "| Saturation    | Forwards   |",
    ):
        assert said in text
    assert "training seeds" not in text


def test_wide_images_keep_their_shape(tmp_path):
    wide = np.zeros((1, 4, 8, 3), np.uint8)
    sample_grid(tmp_path / "grid.png", KEY, [("", wide)], [""])
    black = np.asarray(Image.open(tmp_path / "grid.png"))[..., 0] == 0
    assert (black.any(0).sum(), black.any(1).sum()) == (96, 48)


def test_lines_of_wide_images_stand_close(tmp_path):
    wide = np.zeros((1, 4, 8, 3), np.uint8)
    sample_grid(tmp_path / "grid.png", KEY, [("", wide), ("", wide)], [""])
    dark = (np.asarray(Image.open(tmp_path / "grid.png"))[..., 0] == 0).any(1).nonzero()[0]
    assert np.diff(dark).max() == GAP + 1

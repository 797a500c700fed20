"""Tables of images of prompts that show scores, over prompts, beside metrics, over seeds."""

import json
from dataclasses import replace

import pytest
from report_rows import KEY, ROW, TABLE

from w2s.plan.published import Group
from w2s.report.captions import marks_explained
from w2s.report.cells import build_cell, units
from w2s.report.rows import row_cells
from w2s.report.tables import marks, write_table
from w2s.store import folders

T_2 = 4.302652729911275  # Student's t, 97.5 %, two degrees of freedom
COLUMNS = ["contrast", "fd", "forwards"]
SCORE, METRICS = "1" * 16, "3" * 16
WORDS = replace(TABLE, name="prompted", columns=COLUMNS, training_seeds=[])
DRAWN = {"n": 4, "seeds": [0, 1, 2], "prompts": 4}
MIXED = replace(
    ROW,
    kind="score",
    measured=[SCORE, METRICS],
    scored={"contrast": [SCORE], "fd": [METRICS]},
    drawn=DRAWN,
)


def scored(*values):
    return {"per_prompt": list(values), "definition": "what it is", "seeds": [0, 1, 2], "n": 4}


def compared(*values):
    per_seed = {"fd": list(values), "kid": [0.0] * len(values)}
    about = {"seeds": list(range(len(values))), "n": 4, "reference_images": 90}
    return {"per_seed": per_seed, "extractor": "trained"} | about


def cell_of(run, column, baseline=None):
    return build_cell(WORDS, MIXED, column, [run], None if baseline is None else [baseline])


def row_of(level, **changes):
    row = {
        "contrast": cell_of(scored(*(level + i / 10 for i in range(4))), "contrast"),
        "fd": cell_of(compared(level, level + 1, level + 2), "fd"),
        "forwards": cell_of(scored(1.0), "forwards"),
    }
    return {name: cell | {"row": str(level), **changes} for name, cell in row.items()}


def test_each_column_has_its_own_units():
    row = row_of(5.0)
    assert units(row["contrast"])[1] == "prompts"
    assert units(row["fd"]) == ({0: 5.0, 1: 6.0, 2: 7.0}, "sampling seeds")
    half = T_2 / 3**0.5
    assert row["fd"]["interval"] == pytest.approx([6 - half, 6 + half])
    assert row["fd"]["covers"] == (
        "3 sampling seeds of one trained model (fresh noise; prompts, the trained networks and the "
        "reference are fixed)"
    )
    assert (row["fd"]["reference_images"], row["fd"]["extractor"]) == (90, "trained")
    assert row["fd"]["prompts"] == row["contrast"]["prompts"] == 4


def test_differences_of_sets_are_paired_by_seed():
    noise = [0.0, 10.0, -10.0]
    cell = cell_of(compared(*(4 + n for n in noise)), "fd", compared(*(5 + n for n in noise)))
    assert cell["difference"]["paired_by"] == "sampling seeds"
    assert cell["difference"]["interval"] == pytest.approx([-1, -1])


def test_marks_and_captions_say_both(tmp_path):
    rows = [row_of(0.0), row_of(5.0)]
    assert marks("lower", [row["fd"] for row in rows]) == ["best", ""]
    assert "paired by prompt or seed, excludes 0" in marks_explained(
        [cell for row in rows for cell in row.values() if cell["interval"]]
    )
    write_table(tmp_path, "prompted", KEY, "Words.", COLUMNS, rows)
    text = (tmp_path / "prompted.md").read_text()
    for said in (
        "Samples: 3 × 4 images of 4 prompts (sampling seeds 0–2). Contrast: what it is. A prompt's "
        "images are averaged. FD: 4 images of a seed against 90 real ones.",
        "± of Contrast is half a 95 % bootstrap interval over 4 prompts (other prompts,",
        "± of FD is half a 95 % t interval over 3 sampling seeds of one trained model (fresh",
        "**1.00 ± 2.48**",
    ):
        assert said in text
    assert "training seeds" not in text


def test_one_seed_has_no_interval_beside_those_of_prompts(tmp_path):
    row = row_of(1.0) | {"fd": cell_of(compared(2.0), "fd")}
    write_table(tmp_path, "prompted", KEY, "Words.", COLUMNS, [row])
    text = (tmp_path / "prompted.md").read_text()
    assert "± of FD is left out, for one seed." in text
    assert "| 2.00  " in text


def test_each_cell_names_the_node_behind_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind, key, run in (("score", SCORE, scored(1.0, 2.0)), ("metrics", METRICS, compared(3.0))):
        scratch = folders.scratch_dir(kind, key)
        (scratch / "metrics.json").write_text(json.dumps(run))
        folders.publish(scratch, kind, key, {})
    group = Group("cells/prompted/cfg-2", (), (), {"table": vars(WORDS)})
    cells = row_cells(group, MIXED, replace(MIXED, name="none"))
    assert cells["contrast"]["nodes"] == [["score", SCORE]]
    assert cells["fd"]["nodes"] == [["metrics", METRICS]]
    assert cells["forwards"]["nodes"] == [["score", SCORE], ["metrics", METRICS]]
    assert cells["fd"]["difference"]["value"] == 0

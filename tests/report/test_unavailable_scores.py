"""Columns whose files are not there say so in every published file, beside those that are."""

from dataclasses import replace

import pandas as pd
import pytest
from report_rows import KEY, ROW, TABLE

from w2s.report.cells import build_cell
from w2s.report.tables import show_table, write_table

WORDS = replace(TABLE, columns=["hps", "saturation", "forwards"], training_seeds=[])
SAID = "not available: data/hps_v2.pt"
DRAWN = {"n": 3, "seeds": [0], "prompts": 3}
PUBLISHED = {"value": 29.2, "tolerance": 0.3, "source": "a paper"}


def row_facts(**fields):
    scored = {"saturation": ["1" * 16]}
    common = {"kind": "score", "scored": scored, "drawn": DRAWN}
    return replace(ROW, **common | {"unavailable": {"hps": "data/hps_v2.pt"}} | fields)


def run_of(*values):
    return {"per_prompt": list(values), "definition": "what it is", "seeds": [0], "n": 3}


def cells(level, row):
    runs, others = [run_of(level, level + 0.1, level + 0.2)], [run_of(0.1, 0.2, 0.3)]
    return {
        "hps": build_cell(WORDS, row, "hps", [], []),
        "saturation": build_cell(WORDS, row, "saturation", runs, others),
        "forwards": build_cell(WORDS, row, "forwards", runs, others),
    }


@pytest.fixture
def rows():
    return [cells(0.1, row_facts(name="none")), cells(0.5, row_facts())]


def test_the_cell_says_what_is_missing():
    cell = build_cell(WORDS, row_facts(published={"hps": PUBLISHED}), "hps", [], [])
    assert (cell["value"], cell["interval"], cell["difference"]) == (None, None, None)
    assert cell["unavailable"] == cell["covers"] == SAID
    assert (cell["n"], cell["seeds"], cell["prompts"]) == (3, [0], 3)
    assert (cell["verdict"], cell["reason"]) == ("not available", "data/hps_v2.pt is not there")


def test_other_cells_do_not():
    assert all("unavailable" not in cell for name, cell in cells(0.5, row_facts()).items()
               if name != "hps")  # fmt: skip


@pytest.mark.parametrize("end", ["csv", "md", "tex"])
def test_tables_say_it_in_every_row(tmp_path, rows, end):
    write_table(tmp_path, "prompted", KEY, "Words.", WORDS.columns, rows)
    text = (tmp_path / f"prompted.{end}").read_text()
    shown = SAID.replace("_", r"\_") if end != "csv" else SAID
    assert text.count(shown) == 2
    if end == "csv":
        table = pd.read_csv(tmp_path / "prompted.csv", skiprows=2)
        assert table["saturation_difference"].tolist() == pytest.approx([0, 0.4])
        assert table["hps_low"].isna().all()


def test_what_is_there_is_marked_and_explained_all_the_same(tmp_path, rows, monkeypatch):
    monkeypatch.setattr("w2s.report.tables.COLUMNS", _higher())
    write_table(tmp_path, "prompted", KEY, "Words.", WORDS.columns, rows)
    text = (tmp_path / "prompted.md").read_text()
    assert "| **0.600 ± 0.100** |" in text
    assert "paired by prompt, excludes 0" in text
    assert "Saturation: what it is." in text
    assert "HPSv2.1:" not in text.partition("Words.")[2]


def _higher():
    from w2s.report.columns import COLUMNS

    return COLUMNS | {"saturation": replace(COLUMNS["saturation"], better="higher")}


def test_a_table_without_any_score_comes_out(tmp_path, capsys):
    columns = ["hps", "forwards"]
    row = row_facts(scored={}, measured=[])
    made = {c: build_cell(WORDS, row, c, [], []) for c in columns}
    write_table(tmp_path, "prompted", KEY, "Words.", columns, [made])
    text = (tmp_path / "prompted.md").read_text()
    assert "Samples: 1 × 3 images of 3 prompts (sampling seeds 0)." in text
    assert "No intervals" not in text
    assert "Forwards: mean per sample and step" in text
    show_table(tmp_path / "prompted.csv")
    assert SAID in capsys.readouterr().out


def test_a_published_value_stands_beside_it(tmp_path):
    row = row_facts(published={"hps": PUBLISHED})
    write_table(tmp_path, "prompted", KEY, "Words.", WORDS.columns, [cells(0.1, row)])
    text = (tmp_path / "prompted.md").read_text()
    assert "| 29.2, tolerance 0.3: not available |" in text


def test_captions_name_the_files_that_were_read(tmp_path):
    row = row_facts(files={"saturation": {"weights": "data/some/colours.pt"}})
    write_table(tmp_path, "prompted", KEY, "Words.", WORDS.columns, [cells(0.1, row)])
    text = (tmp_path / "prompted.md").read_text()
    assert "Saturation: what it is; weights colours.pt. A prompt's images are averaged." in text

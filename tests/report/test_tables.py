import json
import sys

import pandas as pd
import pytest
from report_rows import KEY, key_of, run_of

from w2s.report.cells import build_cell
from w2s.report.columns import COLUMNS
from w2s.report.tables import frame, marks, show_table, write_table
from w2s.report.text import latex, markdown


def row_of(facts, label, values, column="fd", **more):
    facts = facts | {"row": label.replace(" ", "-"), "label": label} | more
    runs = [run_of(values, column)]
    return {
        column: build_cell(facts, column, runs, None),
        "forwards": build_cell(facts | {"published": None}, "forwards", runs, None),
    }


@pytest.fixture
def rows(facts):
    return [
        row_of(facts, "none", [7.0, 7.2, 7.1]),
        row_of(facts, "CFG w=2", [4.0, 4.1, 4.2]),
        row_of(facts, "a_b|c & 50 %", [5.0, 5.3, 5.2]),
    ]


def column_marks(rows, better, column="fd"):
    return marks(better, [row.get(column) for row in rows])


def test_best_only_where_every_paired_interval_excludes_zero(rows, facts):
    assert column_marks(rows, "lower") == ["", "best", ""]
    rows.append(row_of(facts, "rival", [4.1, 3.9, 4.3]))
    assert column_marks(rows, "lower") == ["", "tied", "", "tied"]


def test_a_small_but_steady_lead_is_a_lead(facts):
    noise = [0.0, 3.0, -3.0]  # shared by both rows, far larger than the lead of 0.1
    rows = [
        row_of(facts, "a", [5.0 + shared for shared in noise]),
        row_of(facts, "b", [5.1, 8.101, 2.102]),
    ]
    assert column_marks(rows, "lower") == ["best", ""]
    assert column_marks(rows, "higher") == ["", "best"]


def test_nothing_is_best_without_an_interval_a_rival_or_a_better_side(rows, facts):
    assert column_marks(rows, None) == ["", "", ""]
    assert column_marks(rows[:1], "lower") == [""]
    rows.append(row_of(facts, "one seed", [1.0]))
    assert column_marks(rows, "lower") == [""] * 4


def test_equal_rows_tie(facts):
    rows = [row_of(facts, name, [1.0, 2.0, 3.0]) for name in "ab"]
    assert column_marks(rows, "lower") == ["tied", "tied"]


def test_every_file_has_its_key_and_the_numbers(rows, tmp_path):
    write_table(tmp_path, "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    assert [key_of(tmp_path / f"guidance.{kind}") for kind in ("csv", "md", "tex")] == [KEY] * 3
    table = pd.read_csv(tmp_path / "guidance.csv", skiprows=2)
    cell = rows[1]["fd"]
    assert table.loc[1, ["fd", "fd_low", "fd_high", "fd_n"]].tolist() == pytest.approx(
        [cell["value"], *cell["interval"], 480]
    )
    lines = (tmp_path / "guidance.md").read_text().splitlines()
    assert lines[2] == "|  | FD ↓ | Forwards |"
    assert lines[5] == "| CFG w=2 | **4.10 ± 0.25** | 1.50 |"
    assert (
        r"CFG w=2 & \textbf{4.10 $\pm$ 0.25} & 1.50 \\" in (tmp_path / "guidance.tex").read_text()
    )


def test_text_is_safe_where_it_is_put(rows, tmp_path):
    write_table(tmp_path, "guidance", KEY, "50 % of A_B.", ["fd"], rows)
    tex = (tmp_path / "guidance.tex").read_text()
    assert r"a\_b|c \& 50 \% & 5.17" in tex
    assert r"50 \% of A\_B." in tex
    assert r"\toprule" in tex
    assert r"\bottomrule" in tex
    assert r"| a\_b\|c & 50 % | 5.17" in (tmp_path / "guidance.md").read_text()
    assert pd.read_csv(tmp_path / "guidance.csv", skiprows=2)["label"][2] == "a_b|c & 50 %"


def test_escaping_covers_every_special_character():
    assert latex("\\") == r"\textbackslash{}"
    assert latex("{~^#$}") == r"\{\textasciitilde{}\textasciicircum{}\#\$\}"
    assert latex("τ ≤ 0.5,\n3→1") == r"$\tau$ $\leq$ 0.5, 3$\rightarrow$1"
    assert markdown("a|b *c* <d>\n[e]") == r"a\|b \*c\* \<d\> \[e\]"


def test_headings_are_plain_latex():
    assert all(latex(column.title).isascii() for column in COLUMNS.values())


def test_caption_says_what_the_numbers_are(rows, facts, tmp_path):
    rows.append(row_of(facts, "MG", [5.1, 5.0, 5.2], branching="Recipes share 1200 steps."))
    write_table(tmp_path, "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    text = (tmp_path / "guidance.md").read_text()
    for said in (
        "Scale: mini.",
        "Data set: mini world.",
        "3 × 480 (sampling seeds 0–2; training seeds 0)",
        "3 sampling seeds of one trained model",
        "Recipes share 1200 steps.",
        "Sampler: Euler, 20 steps.",
        "Bold:",
    ):
        assert said in text


def test_published_values_stand_beside_ours_with_a_verdict(rows, facts, tmp_path):
    published = {"value": 5.0, "tolerance": 0.3, "source": "a paper"}
    rows.append(row_of(facts, "met", [5.1, 5.0, 5.2], published=published))
    rows.append(
        row_of(
            facts,
            "elsewhere",
            [9.0, 9.1, 9.2],
            published=published,
            comparable=False,
            why="other data",
        )
    )
    write_table(tmp_path, "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    text = (tmp_path / "guidance.md").read_text()
    assert "| FD ↓ | FD published | Forwards |" in text
    assert "| 5, tolerance 0.3: pass |" in text
    assert "| 5, tolerance 0.3: not comparable |" in text
    assert "Not comparable with the published values: other data." in text
    table = frame(["fd", "forwards"], rows)
    assert table["fd_verdict"].fillna("").tolist() == ["", "", "", "pass", "not comparable"]
    assert "forwards_published" not in table


def test_a_row_may_lack_a_column(rows, tmp_path):
    del rows[0]["fd"]
    write_table(tmp_path, "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    assert "| none | – | 1.50 |" in (tmp_path / "guidance.md").read_text()


def test_the_same_cells_give_the_same_bytes(rows, tmp_path):
    for folder in ("a", "b"):
        write_table(tmp_path / folder, "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    for kind in ("csv", "md", "tex"):
        once, again = (tmp_path / f / f"guidance.{kind}" for f in "ab")
        assert once.read_bytes() == again.read_bytes()


def test_terminal_shows_aligned_rows_and_the_caption(rows, facts, tmp_path, capsys):
    rows.append(row_of(facts, "NA", [5.1, 5.0, 5.2]))  # a label, not a missing value
    write_table(tmp_path, "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    show_table(tmp_path / "guidance.csv")
    lines = capsys.readouterr().out.splitlines()
    places = {line.index("±") for line in lines[1:5]}
    assert len(places) == 1
    assert [line.split("  ")[0] for line in lines[1:5]] == ["none", "CFG w=2", "a_b|c & 50 %", "NA"]
    assert lines[6].startswith("Guidance. Scale: mini.")


def test_on_a_terminal_the_table_is_drawn_whole(rows, tmp_path, capsys, monkeypatch):
    write_table(tmp_path, "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    show_table(tmp_path / "guidance.csv")
    out = capsys.readouterr().out
    assert "│ CFG w=2" in out
    assert "4.10 ± 0.25" in out
    assert "Guidance. Scale: mini." in out


def test_cells_read_back_from_json_give_the_same_table(rows, tmp_path):
    write_table(tmp_path / "a", "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    again = json.loads(json.dumps(rows))
    write_table(tmp_path / "b", "guidance", KEY, "Guidance.", ["fd", "forwards"], again)
    once, twice = (tmp_path / folder / "guidance.md" for folder in "ab")
    assert once.read_bytes() == twice.read_bytes()


def test_caption_never_passes_sampling_noise_for_training_noise(facts, tmp_path):
    rows = [row_of(facts, "none", [1.0, 2.0, 3.0])]
    write_table(tmp_path, "t", KEY, "Training.", ["fd"], rows)
    text = (tmp_path / "t.md").read_text()
    assert "the trained networks and the reference are fixed" in text
    assert "Bold" not in text  # one row has no rival
    single = [row_of(facts, "none", [1.0])]
    write_table(tmp_path, "t", KEY, "Training.", ["fd"], single)
    assert "No intervals: one seed." in (tmp_path / "t.md").read_text()

import json
import sys
from dataclasses import replace

import pandas as pd
import pytest
from report_rows import KEY, REAL, ROW, TABLE, key_of, run_of

from w2s.metrics.registry import METRICS, SCORED
from w2s.report.cells import build_cell
from w2s.report.tables import frame, marks, show_table, write_table
from w2s.report.text import latex, markdown


def row_of(label, values, column="fd", published=None, **more):
    """A row's cells: its values of one column, and its forwards."""
    published = {column: published} if published else {}
    more = {"name": label.replace(" ", "-"), "label": label, "published": published} | more
    row = replace(ROW, **more)
    runs = [run_of(values, column)]
    return {name: build_cell(TABLE, row, name, runs, None) for name in (column, "forwards")}


def real_row(values, column="fd"):
    runs = [run_of(values, column)]
    return {name: build_cell(TABLE, REAL, name, runs, None) for name in (column, "forwards")}


@pytest.fixture
def rows():
    return [
        row_of("none", [7.0, 7.2, 7.1]),
        row_of("CFG w=2", [4.0, 4.1, 4.2]),
        row_of("a_b|c & 50 %", [5.0, 5.3, 5.2]),
    ]


def cells_in(line):
    """The cells of a line of a Markdown table."""
    return [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split(" | ")]


def column_marks(rows, better, column="fd"):
    return marks(better, [row.get(column) for row in rows])


def test_best_only_where_every_paired_interval_excludes_zero(rows):
    assert column_marks(rows, "lower") == ["", "best", ""]
    rows.append(row_of("rival", [4.1, 3.9, 4.3]))
    assert column_marks(rows, "lower") == ["", "tied", "", "tied"]


def test_a_small_but_steady_lead_is_a_lead():
    noise = [0.0, 3.0, -3.0]  # shared by both rows, far larger than the lead of 0.1
    rows = [
        row_of("a", [5.0 + shared for shared in noise]),
        row_of("b", [5.1, 8.101, 2.102]),
    ]
    assert column_marks(rows, "lower") == ["best", ""]
    assert column_marks(rows, "higher") == ["", "best"]


def test_nothing_is_best_without_an_interval_a_rival_or_a_better_side(rows):
    assert column_marks(rows, None) == ["", "", ""]
    assert column_marks(rows[:1], "lower") == [""]
    rows.append(row_of("one seed", [1.0]))
    assert column_marks(rows, "lower") == [""] * 4


def test_equal_rows_tie():
    rows = [row_of(name, [1.0, 2.0, 3.0]) for name in "ab"]
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
    assert cells_in(lines[2]) == ["", "FD ↓", "Forwards"]
    assert cells_in(lines[5]) == ["CFG w=2", "**4.10 ± 0.25**", "1.50"]
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
    assert all(latex(column.title).isascii() for column in METRICS.values())


def test_caption_says_what_the_numbers_are(rows, tmp_path):
    rows.append(row_of("MG", [5.1, 5.0, 5.2], branching="Recipes share 1200 steps."))
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


def test_published_values_stand_beside_ours_with_a_verdict(rows, tmp_path):
    published = {"value": 5.0, "tolerance": 0.3, "source": "a paper"}
    rows.append(row_of("met", [5.1, 5.0, 5.2], published=published))
    rows.append(
        row_of(
            "elsewhere",
            [9.0, 9.1, 9.2],
            published=published,
            comparable=False,
            why="other data",
        )
    )
    write_table(tmp_path, "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    text = (tmp_path / "guidance.md").read_text()
    lines = text.splitlines()
    assert cells_in(lines[2]) == ["", "FD ↓", "FD published", "Forwards"]
    assert cells_in(lines[7])[2] == "5, tolerance 0.3: pass"
    assert cells_in(lines[8])[2] == "5, tolerance 0.3: not comparable"
    assert "Not comparable with the published values: other data." in text
    table = frame(["fd", "forwards"], rows)
    assert table["fd_verdict"].fillna("").tolist() == ["", "", "", "pass", "not comparable"]
    assert "forwards_published" not in table


def test_a_row_may_lack_a_column(rows, tmp_path):
    del rows[0]["fd"]
    write_table(tmp_path, "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    lines = (tmp_path / "guidance.md").read_text().splitlines()
    assert cells_in(lines[4]) == ["none", "–", "1.50"]


def test_the_same_cells_give_the_same_bytes(rows, tmp_path):
    for folder in ("a", "b"):
        write_table(tmp_path / folder, "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    for kind in ("csv", "md", "tex"):
        once, again = (tmp_path / f / f"guidance.{kind}" for f in "ab")
        assert once.read_bytes() == again.read_bytes()


def test_terminal_shows_aligned_rows_and_the_caption(rows, tmp_path, capsys):
    rows.append(row_of("NA", [5.1, 5.0, 5.2]))  # a label, not a missing value
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


def test_caption_never_passes_sampling_noise_for_training_noise(tmp_path):
    rows = [row_of("none", [1.0, 2.0, 3.0])]
    write_table(tmp_path, "t", KEY, "Training.", ["fd"], rows)
    text = (tmp_path / "t.md").read_text()
    assert "the trained networks and the reference are fixed" in text
    assert "Bold" not in text  # one row has no rival
    single = [row_of("none", [1.0])]
    write_table(tmp_path, "t", KEY, "Training.", ["fd"], single)
    assert "No intervals: one seed." in (tmp_path / "t.md").read_text()


def test_real_images_are_a_row_without_forwards_and_without_a_mark(rows, tmp_path):
    rows.insert(0, real_row([1.0, 1.1, 1.2]))
    assert column_marks(rows, "lower") == ["", "", "best", ""]
    write_table(tmp_path, "guidance", KEY, "Guidance.", ["fd", "forwards"], rows)
    text = (tmp_path / "guidance.md").read_text()
    assert cells_in(text.splitlines()[4]) == ["held-out real images", "1.10 ± 0.25", "–"]
    assert "held-out real images: 3 × 480 images that no network and no reference" in text
    assert "not passed through the VAE" in text
    assert "Samples: 3 × 480 (sampling seeds 0–2" in text
    assert "3 groups of real images (other images; the reference is fixed)" in text


@pytest.mark.parametrize(("reference_images", "flattered"), [(8192, True), (480, False)])
def test_the_caption_counts_both_sides_of_precision_and_recall(
    tmp_path, reference_images, flattered
):
    run = run_of([0.5, 0.6], "recall", reference_images=reference_images)
    rows = [{"recall": build_cell(TABLE, ROW, "recall", [run], None)}]
    write_table(tmp_path, "t", KEY, "Recall.", ["recall"], rows)
    text = (tmp_path / "t.md").read_text()
    assert f"compare 480 samples with {reference_images:,} real images" in text
    assert ("flatters recall" in text) == flattered


def test_a_table_without_precision_says_nothing_of_neighbourhoods(rows, tmp_path):
    write_table(tmp_path, "t", KEY, "Plain.", ["fd", "forwards"], rows)
    assert "Precision and recall" not in (tmp_path / "t.md").read_text()


def test_every_registered_metric_can_be_published(tmp_path, capsys):
    run = run_of([]) | {"seeds": [0, 1], "per_seed": {name: [0.25, 0.75] for name in SCORED}}
    columns = list(METRICS)
    rows = [
        {name: build_cell(TABLE, row, name, [run], None) for name in columns} for row in (REAL, ROW)
    ]
    write_table(tmp_path, "all", KEY, "Everything.", columns, rows)
    titles = [metric.title for metric in METRICS.values()]
    assert cells_in((tmp_path / "all.md").read_text().splitlines()[2]) == ["", *titles]
    table = pd.read_csv(tmp_path / "all.csv", skiprows=2)
    assert table[[*SCORED]].iloc[1].tolist() == [0.5] * len(SCORED)
    assert all(latex(title) in (tmp_path / "all.tex").read_text() for title in titles)
    show_table(tmp_path / "all.csv")
    shown = capsys.readouterr().out
    assert all(title in shown for title in titles)

"""The picture of rows side by side: sizes, places, prompts above, labels at the left."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from report_rows import KEY, ROW, TABLE, key_of

from w2s.report import comparison as module
from w2s.report import prompt_pictures
from w2s.report.comparison import LARGEST, LEAST, LINES, comparison, cut, shown_size, wrapped
from w2s.report.grid import load_font
from w2s.report.prompt_pictures import draw_prompted
from w2s.store import folders

FONT = load_font(13)
COLOURS = np.array([[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 0, 250]], np.uint8)
PROMPTED = replace(ROW, kind="score")
WORDS = replace(TABLE, name="prompted", training_seeds=[], prompts=3)


def blocks(count, height, width):
    """Images of one colour each."""
    return np.broadcast_to(COLOURS[:count, None, None], (count, height, width, 3)).copy()


def drawn(path, rows, prompts):
    comparison(path, KEY, rows, prompts)
    return np.asarray(Image.open(path))


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((24, 24), (144, 144)),
        ((12, 12), (132, 132)),
        ((64, 96), (128, 192)),
        ((128, 128), (128, 128)),
        ((300, 200), (300, 200)),
        ((512, 512), (512, 512)),
        ((1024, 1024), (512, 512)),
        ((2048, 512), (512, 128)),
        ((4096, 1), (512, 1)),
    ],
)
def test_images_keep_their_own_size_within_bounds(size, shown):
    assert shown_size(*size) == shown
    assert min(LEAST, max(size)) <= max(shown) <= LARGEST


@pytest.mark.parametrize("size", [(24, 24), (16, 24), (600, 600)])
def test_every_image_is_where_its_row_and_prompt_meet(tmp_path, size):
    one, other = blocks(4, *size), blocks(4, *size)[::-1]
    pixels = drawn(tmp_path / "a.png", [("one", one), ("other", other)], ["a cat"] * 4)
    tall, wide = shown_size(*size)
    for colour, (first, second) in zip(COLOURS, [(0, 3), (1, 2), (2, 1), (3, 0)], strict=True):
        ys, xs = (pixels == colour).all(2).nonzero()
        assert len(ys) == 2 * tall * wide  # both whole, and nothing over them
        assert len(set(ys)) == 2 * tall
        upper, lower = xs[ys < ys.min() + tall], xs[ys > ys.max() - tall]
        assert (upper.max() - upper.min() + 1, lower.max() - lower.min() + 1) == (wide, wide)
        assert (upper.min() < lower.min()) == (first < second)


def test_enlarged_pixels_are_squares_of_their_colour(tmp_path):
    image = np.random.default_rng(0).integers(0, 200, (1, 24, 24, 3), np.uint8)
    pixels = drawn(tmp_path / "a.png", [("", image)], [""])
    found = {tuple(colour) for colour in pixels.reshape(-1, 3)}
    assert {tuple(colour) for colour in image.reshape(-1, 3)} == found - {(255, 255, 255)}


def test_the_same_rows_are_the_same_bytes_with_their_key(tmp_path):
    for name in "ab":
        drawn(tmp_path / f"{name}.png", [("row", blocks(2, 24, 24))], ["a", "b"])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert key_of(tmp_path / "a.png") == KEY


@given(st.text(st.sampled_from("abc é—w=4\n "), max_size=200), st.integers(20, 300))
def test_lines_hold_the_whole_text_and_are_no_wider(text, width):
    lines = wrapped(text, FONT, width)
    assert all(FONT.getlength(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_weight_stays_in_one_line():
    width = round(FONT.getlength("guided with w ="))
    assert wrapped("guided with w = 4", FONT, width) == ["guided with", "w\xa0=\xa04"]


@pytest.mark.parametrize("words", [1, 20, 400])
def test_a_prompt_takes_so_many_lines_at_most(words):
    lines = wrapped("word " * words, FONT, 100)
    shown = cut(lines, FONT, 100)
    assert len(shown) == min(len(lines), LINES)
    assert (shown[-1][-1] == "…") == (len(lines) > LINES)
    assert all(FONT.getlength(line) <= 100 for line in shown)
    assert shown[:-1] == lines[: len(shown) - 1]


def test_long_labels_and_prompts_move_nothing_over_each_other(tmp_path):
    """Ink at the left and above is apart from the images; a label may be taller than its image."""
    low = blocks(2, 2, 200)
    rows = [("a label of many words " * 12, low), ("short", low)]
    pixels = drawn(tmp_path / "a.png", rows, ["a prompt of many words " * 40, "b"])
    ink = (pixels.max(2) < 120).nonzero()
    pictures = ((pixels == COLOURS[0]) | (pixels == COLOURS[1])).all(2).nonzero()
    above = ink[1] > pictures[1].min()
    assert ink[0][above].max() < pictures[0].min()
    assert ink[1][~above].max() < pictures[1].min()
    assert len(set(pictures[0])) == 4


def test_text_is_as_large_in_print_for_any_size_of_image(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "load_font", lambda size: asked.append(size) or load_font(size))
    for side in (200, 400):
        pixels = drawn(tmp_path / "a.png", [("row", blocks(4, side, side))], ["a"] * 4)
        points = 72 * 6.9 * asked[-1] / pixels.shape[1]
        assert 6 < points < 8.5


@pytest.fixture
def decoded(tmp_path, monkeypatch):
    """Two rows of two seeds, 20 prompts of two images each; shades tell prompt and image."""
    monkeypatch.chdir(tmp_path)
    rows = [PROMPTED, replace(PROMPTED, name="none", label="none", shown="5" * 16)]
    labels = np.tile(np.repeat(np.arange(20), 2), 2)
    for number, row in enumerate(rows):
        shades = (10 + np.arange(80) + 100 * number).astype(np.uint8)[:, None, None, None]
        scratch = folders.scratch_dir("decoded", row.shown)
        np.save(scratch / "images.npy", np.broadcast_to(shades, (80, 4, 8, 3)))
        np.save(scratch / "labels.npy", labels)
        np.save(scratch / "seeds.npy", np.repeat([3, 9], 40))
        (scratch / "prompts.json").write_text(json.dumps([f"prompt {i}" for i in range(20)]))
        folders.publish(scratch, "decoded", row.shown, {})
    return rows


@pytest.mark.parametrize(("asked", "there"), [(3, 3), (1, 1), (50, 20)])
def test_columns_hold_the_first_prompts_with_the_same_noise(decoded, monkeypatch, asked, there):
    given_rows = {}

    def kept(path, key, rows, prompts):
        given_rows.update(rows=dict(rows), prompts=prompts)

    monkeypatch.setattr(prompt_pictures, "comparison", kept)
    draw_prompted(None, KEY, replace(WORDS, prompts=asked), decoded)
    shades = [images[:, 0, 0, 0].tolist() for images in given_rows["rows"].values()]
    first = [10 + 2 * i for i in range(there)]  # the first image of each, of the first seed
    assert shades == [first, [shade + 100 for shade in first]]
    assert given_rows["prompts"] == [f"prompt {i}" for i in range(there)]


def test_a_row_alone_is_drawn_too(decoded, tmp_path):
    draw_prompted(tmp_path / "one.png", KEY, WORDS, decoded[:1])
    shades = np.unique(np.asarray(Image.open(tmp_path / "one.png"))[..., 0])
    assert {10, 12, 14} <= set(shades.tolist())

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from report_rows import KEY, ROW, key_of

from w2s.report.curves import smooth, training_curves
from w2s.report.grid import GAP, LARGEST, MARGIN, sample_grid
from w2s.report.pareto import label_weights, pareto
from w2s.report.publish import schedule
from w2s.report.schedules import method_styles, weight_schedules
from w2s.report.style import COLOURS, figure, line_style


def draw_grid(path):
    rng = np.random.default_rng(0)
    rows = [(label, rng.integers(0, 256, (3, 8, 8, 3), np.uint8)) for label in ("none", "CFG\nw=2")]
    sample_grid(path, KEY, rows, ["a circle", "", "a star"])


def draw_curves(path):
    steps = np.arange(1, 41)
    log = pd.DataFrame({"step": steps, "loss": 1 / steps})
    training_curves(path, KEY, [("trunk", log), ("MG", log.assign(step=steps + 40))], [40])


def draw_schedules(path):
    times = [1.0, 0.7, 0.3, 0.0]
    rows = [
        ("none", times, [(None, None)] * 3),
        ("SGG", times, [("CFG", 2.0), ("CFG", 1.5), ("AutoGuidance", 3.0)]),
        ("learned", times, [("learned", None)] * 2 + [(None, None)]),
    ]
    weight_schedules(path, KEY, rows)


def draw_pareto(path):
    points = [(0.7, 0.02, 5.0, 0.3, 1.5), (0.6, 0.02, 4.0, 0.3, 2.0)]
    pareto(path, KEY, {"CFG": points, "SGG": points[::-1]}, "Recall", "FD")


@pytest.mark.parametrize("draw", [draw_grid, draw_curves, draw_schedules, draw_pareto])
def test_pictures_hold_their_key_and_the_same_data_give_the_same_bytes(draw, tmp_path):
    once, again = tmp_path / "once.png", tmp_path / "again.png"
    draw(once)
    draw(again)
    assert once.read_bytes() == again.read_bytes()
    assert key_of(once) == KEY
    assert Image.open(once).text == {"w2s-key": KEY}
    assert sorted(tmp_path.iterdir()) == [again, once]


def cells_of(picture, rows, columns, size):
    """The images of a grid, counted from its lower right corner: (rows, columns, size, size, 3)."""
    pixels = np.asarray(picture)[:-MARGIN, :-MARGIN]
    pitch = size + GAP
    top, left = pixels.shape[0] - rows * pitch + GAP, pixels.shape[1] - columns * pitch + GAP
    return np.array(
        [
            [pixels[top + r * pitch :, left + c * pitch :][:size, :size] for c in range(columns)]
            for r in range(rows)
        ]
    )


def test_each_image_stands_in_its_row_and_column_pixel_for_pixel(tmp_path):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (2, 3, 24, 24, 3), np.uint8)
    rows = [("none", images[0]), ("a rather long label of a row\nsecond line", images[1])]
    sample_grid(tmp_path / "grid.png", KEY, rows, ["red circle", "a very long class name", "x"])
    shown = cells_of(Image.open(tmp_path / "grid.png"), 2, 3, 96)
    np.testing.assert_array_equal(shown, images.repeat(4, axis=2).repeat(4, axis=3))


def test_large_images_are_reduced(tmp_path):
    images = np.full((2, 256, 256, 3), (10, 200, 30), np.uint8)
    sample_grid(tmp_path / "grid.png", KEY, [("none", images)], ["", ""])
    shown = cells_of(Image.open(tmp_path / "grid.png"), 1, 2, LARGEST)
    assert (shown == (10, 200, 30)).all()


def test_row_labels_stay_left_of_the_images(tmp_path):
    black = np.zeros((1, 24, 24, 3), np.uint8)
    sample_grid(tmp_path / "grid.png", KEY, [("W" * 60, black)], [""])
    pixels = np.asarray(Image.open(tmp_path / "grid.png"))
    gap = pixels[:, -MARGIN - 96 - MARGIN + 2 : -MARGIN - 96]
    assert (gap == 255).all()


def test_smoothing_keeps_a_constant_and_forgets_noise():
    constant = pd.Series(np.full(200, 0.7))
    np.testing.assert_allclose(smooth(constant), constant)
    noise = pd.Series(np.random.default_rng(0).normal(size=2000))
    assert smooth(noise).iloc[200:].std() < 0.15


def test_curves_are_read_from_log_files(tmp_path):
    log = pd.DataFrame({"step": range(1, 21), "images": 1, "loss": np.linspace(1, 0.5, 20)})
    log.to_csv(tmp_path / "log.csv", index=False)
    training_curves(tmp_path / "file.png", KEY, [("none", tmp_path / "log.csv")])
    training_curves(tmp_path / "frame.png", KEY, [("none", log)])
    assert (tmp_path / "file.png").read_bytes() == (tmp_path / "frame.png").read_bytes()


def test_a_schedule_must_cover_every_step(tmp_path):
    with pytest.raises(ValueError, match="zip"):
        weight_schedules(tmp_path / "a.png", KEY, [("CFG", [1.0, 0.5, 0.0], [("CFG", 2.0)])])
    assert list(tmp_path.iterdir()) == []


def test_thirty_rows_and_a_long_label_fit(tmp_path):
    rows = [
        (f"guidance with a rather long name, number {i}", [1.0, 0.5, 0.0], [("CFG", 2.0)] * 2)
        for i in range(30)
    ]
    weight_schedules(tmp_path / "a.png", KEY, rows)
    width, height = Image.open(tmp_path / "a.png").size
    assert width == 1380
    assert height > 1000


def test_weights_are_written_without_touching_each_other_or_a_line(tmp_path):
    rng = np.random.default_rng(0)
    curves = {
        name: [(x, 0.02, y, 0.1, i) for i, (x, y) in enumerate(rng.uniform(size=(8, 2)))]
        for name in ("CFG", "SGG")
    }
    with figure(tmp_path / "a.png", KEY, 3, 3) as fig:
        axes = fig.add_subplot(xlim=(-0.2, 1.2), ylim=(-0.2, 1.2))
        fig.draw_without_rendering()
        label_weights(axes, curves)
        boxes = [text.get_window_extent() for text in axes.texts]
        points = axes.transData.transform([p[::2][:2] for c in curves.values() for p in c])
    assert len(boxes) >= 8
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert not any(box.contains(*point) for box in boxes for point in points)


def test_guidance_is_drawn_over_the_noise_levels_where_it_acts(tmp_path):
    plain, guided = tmp_path / "plain.png", tmp_path / "guided.png"
    times = [1.0, 0.5, 0.0]
    weight_schedules(plain, KEY, [("row", times, [(None, None), ("CFG", 1.0)])])
    weight_schedules(guided, KEY, [("row", times, [(None, None), ("CFG", 2.0)])])
    differs = (np.asarray(Image.open(plain)) != np.asarray(Image.open(guided))).any(axis=(0, 2))
    changed = np.flatnonzero(differs)
    assert changed.min() > 0.5 * len(differs)  # t < 0.5 lies in the right half


def test_methods_stay_distinct_and_the_commonest_are_plain():
    names = [f"m{i}" for i in range(2 * len(COLOURS))]
    schedules = [[(name, 2.0)] for name in names] + [[(None, None), (names[-1], 1.5)]]
    styles = method_styles(schedules)
    assert next(iter(styles)) == names[-1]
    assert len({(s["color"], str(s["linestyle"])) for s in styles.values()}) == len(names)


def test_a_plainly_sampled_row_shows_the_guidance_trained_into_its_network():
    windows = [
        {"low": 0.2, "high": 0.8, "method": "cfg", "weight": 2.5},
        {"low": 0.0, "high": 0.2, "method": "internal", "weight": 0.8},
    ]
    row = replace(ROW, label="SGG", trained=windows, times=[1.0, 0.0])
    shown = [(None, None), ("cfg", 2.5), ("internal", 0.8)]
    assert schedule(row) == ("SGG, trained\xa0in", [1.0, 0.8, 0.2, 0.0], shown)
    steps = [[1, {"method": "cfg", "weight": 2.0}]]
    assert schedule(replace(row, guidance=[{}], steps=steps)) == ("SGG", [1.0, 0.0], [("cfg", 2.0)])


def test_lines_stay_distinct_beyond_the_palette():
    styles = [line_style(index) for index in range(3 * len(COLOURS))]
    assert len({(s["color"], str(s["linestyle"])) for s in styles}) == len(styles)

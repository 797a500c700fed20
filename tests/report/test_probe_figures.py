"""Figures of probes: what they show, their key, and that all panels are there."""

import json
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from PIL import Image
from report_rows import KEY, key_of
from safetensors.numpy import save_file

from w2s.metrics.intervals import mean_interval
from w2s.plane.stages import STAGES
from w2s.report import style
from w2s.report.guided_ways import guided_ways
from w2s.report.probes import Shown, line_of, read_probe
from w2s.report.stages import norms, stages
from w2s.report.velocity import FIGURES, optimal_velocity

TIMES = [1.0, 0.5, 0.1, 0.0]
SHOWN = [
    {"name": "none", "label": "no guidance"},
    {"name": "cfg", "label": "CFG, w = 2", "method": "cfg", "weight": 2.0},
    {"name": "cfg-3", "label": "CFG, w = 3", "method": "cfg", "weight": 3.0},
    {"name": "ag", "label": "AutoGuidance, w = 2", "method": "autoguidance", "weight": 2.0},
    {"name": "sgg", "label": "SGG"},
]
SEEDS = 3


@pytest.fixture
def probe(tmp_path):
    """A probe with numbers of no meaning, as its node leaves it."""
    rng = np.random.default_rng(0)

    def values(count, none=False):
        drawn = rng.uniform(0.5, 2, (SEEDS, count)).tolist()
        return [[None, *row[1:]] for row in drawn] if none else drawn

    def figures(name):
        made = {"distance": values(3), "best_weight": values(3, none=True), "cosine": values(3)}
        if name == "none":
            made |= {figure: [[None] * 3] * SEEDS for figure in ("best_weight", "cosine")}
        return made

    marginal = {shown["name"]: figures(shown["name"]) for shown in SHOWN}
    marginal["cfg-3"] |= {f: marginal["cfg"][f] for f in ("best_weight", "cosine")}
    own = {s["name"]: figures(s["name"]) | {f: values(4) for f in STAGES} for s in SHOWN}
    made = {"times": TIMES, "seeds": [0, 1, 2], "n": 40, "marginal": marginal, "own": own}
    (tmp_path / "probe.json").write_text(json.dumps(made))
    facts = {"label": "exact", "over": "sampling seeds", "guidance": SHOWN}
    return read_probe(tmp_path, facts)


@pytest.fixture
def drawn(tmp_path):
    """Draws a figure; gives its path and what matplotlib holds of it."""

    def draw(function, *given):
        held, save = [], style.figure.__wrapped__

        def keep(*args, **kwargs):
            for fig in save(*args, **kwargs):
                held.append(fig)
                yield fig

        path = tmp_path / f"{function.__name__}.png"
        with mock.patch(f"{function.__module__}.figure", style.contextmanager(keep)):
            function(path, KEY, "What is shown.", *given)
        return path, held[0]

    return draw


@pytest.mark.parametrize(
    ("function", "panels"),
    [(optimal_velocity, 2 * 2 * len(FIGURES)), (stages, 2 * 4), (norms, 2 * 2)],
)
def test_a_figure_has_all_panels_its_key_and_says_what_it_shows(drawn, probe, function, panels):
    path, fig = drawn(function, [probe, probe])
    assert key_of(path) == KEY
    assert Image.open(path).width == round(style.TEXT_WIDTH * style.DPI)
    assert len(fig.axes) == panels
    assert all(axes.get_lines() for axes in fig.axes)
    said = fig.get_supxlabel().replace("\n", " ")
    assert said.startswith("What is shown.")
    assert "exact: 40 points under each of 3 sampling seeds" in said
    assert "95 % t interval" in said
    again = path.read_bytes()
    drawn(function, [probe, probe])
    assert path.read_bytes() == again


def test_lines_are_means_over_seeds_and_bands_their_intervals(drawn, probe):
    _, fig = drawn(optimal_velocity, [probe])
    values = np.array(probe.found["marginal"]["cfg"]["distance"])
    intervals = [mean_interval(list(column)) for column in values.T]
    mean, half = probe.curve("marginal", "cfg", "distance")
    np.testing.assert_allclose(mean, [i.mean for i in intervals])
    np.testing.assert_allclose(mean + half, [i.high for i in intervals])
    lines = {line.get_label(): line for line in fig.axes[0].get_lines()}
    np.testing.assert_allclose(lines["CFG, w = 2"].get_ydata(), mean)
    np.testing.assert_allclose(lines["CFG, w = 2"].get_xdata(), TIMES[:-1])
    assert len(lines) == len(SHOWN)


def test_what_is_alike_is_drawn_once_and_what_is_not_there_never(drawn, probe):
    """At noised true points both weights of CFG have one direction; no guidance has none."""
    _, fig = drawn(optimal_velocity, [probe])
    for axes in fig.axes[1:3]:
        labels = {line.get_label() for line in axes.get_lines()}
        assert {label for label in labels if not label.startswith("_")} == {
            "CFG, w = 2",
            "AutoGuidance, w = 2",
            "SGG",
        }


def test_a_single_seed_has_no_interval(probe):
    probe.found["own"]["cfg"]["norm"] = [[1.0, 2.0, 3.0, 4.0]]
    mean, half = probe.curve("own", "cfg", "norm")
    assert mean.tolist() == [1, 2, 3, 4]
    assert np.isnan(half).all()


def test_norms_begin_without_guidance_and_follow_the_weight(drawn, probe):
    _, fig = drawn(norms, [probe])
    (line,) = [c[0] for c in fig.axes[0].containers if c.get_label() == "CFG"]
    assert list(line.get_xdata()) == [1, 2, 3]
    expected = [np.mean(probe.found["own"][n]["norm"], 0)[-1] for n in ("none", "cfg", "cfg-3")]
    np.testing.assert_allclose(np.array(line.get_ydata(), float), expected)


def test_weights_of_a_method_share_its_colour_and_differ_in_dash():
    shown = tuple(Shown(**entry) for entry in SHOWN)
    styles = {one.name: line_of(one, shown) for one in shown}
    assert styles["cfg"]["color"] == styles["cfg-3"]["color"]
    assert styles["cfg"]["linestyle"] != styles["cfg-3"]["linestyle"]
    colours = [styles[name]["color"] for name in ("none", "cfg", "ag", "sgg")]
    assert len(set(colours)) == 4


def test_guidances_stand_beside_the_truth_with_their_ways(drawn, probe):
    """One panel more than there are guidances; each has every point, and a line for each way."""
    rng = np.random.default_rng(0)
    kept = {"labels": np.arange(8) % 2, "true": rng.normal(size=(8, 2)).astype(np.float32)}
    for shown in SHOWN:
        kept[f"points/{shown['name']}"] = rng.normal(size=(8, 2)).astype(np.float32)
        kept[f"paths/{shown['name']}"] = rng.normal(size=(4, 3, 2)).astype(np.float32)
    save_file(kept, probe.folder / "paths.safetensors")
    world = {"classes": 2, "depth": 1, "seed": 2}
    probe = replace(probe, world=world)
    path, fig = drawn(guided_ways, [probe, probe])
    assert key_of(path) == KEY
    assert len(fig.axes) == 2 * (1 + len(SHOWN))
    for axes in fig.axes:
        assert len(axes.collections[0].get_offsets()) == 8
    assert [len(axes.get_lines()) for axes in fig.axes[:2]] == [0, 3]
    assert "exact: 40 points of seed 0" in fig.get_supxlabel().replace("\n", " ")

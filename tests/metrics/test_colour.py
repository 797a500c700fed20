"""Scores of colours against closed forms and another implementation."""

import colorsys

import numpy as np
import pytest

from w2s.metrics.colour import hsv_saturation, rms_contrast
from w2s.metrics.score_registry import SCORES


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), dtype=np.uint8)


def plain(*pixels) -> np.ndarray:
    """An image of one line."""
    return np.array([[pixels]], dtype=np.uint8)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        ([(255, 0, 0)], 1),
        ([(0, 0, 0)], 0),
        ([(255, 255, 255)], 0),
        ([(200, 100, 100)], 0.5),
        ([(100, 0, 0), (0, 0, 0)], 0.5),  # black counts, and has none
    ],
)
def test_saturation_of_plain_colours(pixels, expected):
    assert hsv_saturation(plain(*pixels), [""]) == pytest.approx([expected])


def test_saturation_is_the_mean_of_pythons(images):
    flat = images.reshape(3, -1, 3) / 255
    expected = [np.mean([colorsys.rgb_to_hsv(*pixel)[1] for pixel in image]) for image in flat]
    assert hsv_saturation(images, [""] * 3) == pytest.approx(expected)


def test_saturation_does_not_hang_on_brightness():
    bright, dark = plain((200, 120, 40)), plain((100, 60, 20))
    assert hsv_saturation(bright, [""]) == pytest.approx(hsv_saturation(dark, [""]))


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        ([(0, 0, 0), (255, 255, 255)], 0.5),
        ([(40, 90, 200)] * 3, 0),
        ([(0, 0, 0), (255, 0, 0)], 0.299 / 2),
        ([(0, 0, 0), (0, 255, 0)], 0.587 / 2),
        ([(0, 0, 0), (0, 0, 255)], 0.114 / 2),
    ],
)
def test_contrast_of_plain_colours(pixels, expected):
    assert rms_contrast(plain(*pixels), [""]) == pytest.approx([expected], abs=1e-12)


def test_contrast_does_not_change_with_a_constant_added(images):
    half = images // 2
    assert rms_contrast(half + np.uint8(100), [""] * 3) == pytest.approx(
        rms_contrast(half, [""] * 3)
    )


@pytest.mark.parametrize("score", [hsv_saturation, rms_contrast])
def test_an_image_has_one_value_in_any_batch(score, images):
    alone = [score(image[None], [""])[0] for image in images]
    assert score(images, [""] * 3).tolist() == alone


@pytest.mark.parametrize("name", SCORES)
def test_a_score_says_what_it_is_and_can_be_loaded(name, images):
    score = SCORES[name]
    assert score.definition
    if not score.files and not score.nodes:
        assert score.load()({}, "cpu")(images, ["a", "b", "c"]).shape == (3,)

"""One file in any mode becomes RGB; crops follow ADM; readers notice changed files."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from w2s.data.images import BadImage, Images, centre_crop, decode_image
from w2s.data.sources import Folder
from w2s.errors import UserError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (9, 7), np.uint8)
COLOUR = RNG.integers(0, 256, (9, 7, 3), np.uint8)


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def decoded(image: Image.Image, format: str = "PNG", **options) -> np.ndarray:
    return np.asarray(decode_image(encoded(image, format, **options)))


def test_colour_and_grey_are_kept():
    assert np.array_equal(decoded(Image.fromarray(COLOUR)), COLOUR)
    assert np.array_equal(decoded(Image.fromarray(COLOUR), "WEBP", lossless=True), COLOUR)
    assert np.array_equal(decoded(Image.fromarray(GREY)), np.stack([GREY] * 3, -1))


def test_bilevel_becomes_black_and_white():
    pixels = decoded(Image.fromarray(GREY > 127))
    assert np.array_equal(pixels[..., 0], np.where(GREY > 127, 255, 0))


def test_16_bit_grey_keeps_its_upper_byte():
    deep = GREY.astype(np.uint16) << 8 | 0x5A
    assert np.array_equal(decoded(Image.fromarray(deep))[..., 1], GREY)


def test_palette_with_and_without_transparency():
    image = Image.fromarray(GREY % 3, "L").convert("P")
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]])
    assert np.array_equal(decoded(image), colours[GREY % 3])
    colours[1] = 255
    assert np.array_equal(decoded(image, transparency=1), colours[GREY % 3])


def test_alpha_is_laid_over_white():
    alpha = np.full((9, 7, 1), 51, np.uint8)  # a fifth
    blended = 255 - (255 - COLOUR.astype(float)) / 5
    rgba = decoded(Image.fromarray(np.concatenate([COLOUR, alpha], -1)))
    assert np.abs(rgba - blended).max() <= 1
    grey = decoded(Image.fromarray(np.stack([GREY, np.zeros_like(GREY)], -1), "LA"))
    assert (grey == 255).all()


def test_cmyk_jpeg_keeps_its_colour():
    red = Image.new("RGB", (16, 16), (200, 30, 40)).convert("CMYK")
    assert np.abs(decoded(red, "JPEG", quality=100).astype(int) - [200, 30, 40]).max() <= 4


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"no image at all", "is not a PNG, JPEG or WebP"),
        (encoded(Image.fromarray(GREY), "GIF"), "is not a PNG, JPEG or WebP"),
    ],
)
def test_what_is_no_image_is_refused(data, reason):
    with pytest.raises(BadImage, match=reason):
        decode_image(data)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_a_truncated_image_is_refused(format, part):
    noise = Image.fromarray(RNG.integers(0, 256, (40, 40, 3), np.uint8))
    data = encoded(noise, format)
    with pytest.raises(BadImage):
        decode_image(data[: int(part * len(data))])


def test_a_png_without_its_end_is_refused():
    with pytest.raises(BadImage):
        decode_image(encoded(Image.fromarray(COLOUR))[:-12])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP"]), st.integers(0, 10**6), st.integers(1, 255))
def test_a_damaged_byte_gives_an_image_or_a_reason(format, place, flip):
    data = bytearray(encoded(Image.fromarray(COLOUR), format))
    data[place % len(data)] ^= flip
    try:
        image = decode_image(bytes(data))
    except BadImage:
        return
    assert image.mode == "RGB"
    assert format != "PNG" or np.array_equal(np.asarray(image), COLOUR)  # only by equal checksums


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 24))
@settings(max_examples=60, deadline=None)
def test_a_crop_has_its_size_and_keeps_a_flat_colour(width, height, size):
    pixels = centre_crop(Image.new("RGB", (width, height), (10, 20, 30)), size)
    assert pixels.shape == (size, size, 3)
    assert (pixels == [10, 20, 30]).all()


def test_a_crop_is_central_and_halves_by_the_box_mean():
    tall = RNG.integers(0, 256, (12, 8, 3), np.uint8)
    assert np.array_equal(centre_crop(Image.fromarray(tall), 8), tall[2:10])
    wide = RNG.integers(0, 256, (8, 16, 3), np.uint8)
    means = wide.reshape(4, 2, 8, 2, 3).mean((1, 3))[:, 2:6]
    assert np.abs(centre_crop(Image.fromarray(wide), 4) - means).max() <= 1


def test_rows_are_read_in_the_order_asked_for(folder, build_index):
    node = build_index(folder)
    images = Images(node, Folder(folder), 16, threads=3)
    assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.classes == ["cat", "dog"]
    everything = images.read(np.arange(len(images)))
    assert everything.dtype == np.uint8
    assert np.array_equal(images.read(np.array([4, 0])), everything[[4, 0]])
    assert np.array_equal(everything[4], np.asarray(Image.open(folder / "dog/1.png"))[:, 2:18])


def test_a_file_that_changed_or_went_after_indexing_is_named(folder, build_index):
    images = Images(build_index(folder), Folder(folder), 16)
    (folder / "cat/0.png").write_bytes((folder / "cat/1.png").read_bytes())
    (folder / "dog/2.png").unlink()
    with pytest.raises(UserError, match=r"cat/0\.png has changed"):
        images.read(np.array([1, 0]))
    with pytest.raises(UserError, match=r"dog/2\.png was indexed but cannot be read"):
        images.read(np.array([5]))

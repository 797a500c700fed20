"""A user's own folder of images through the whole study."""

import json

import numpy as np
import pytest
from PIL import Image

MODES = ("RGB", "L", "RGBA", "P", "CMYK", "I;16")
TOY = "data: {kind: toy, resolution: 12, count: 90}"


@pytest.fixture
def folder(tmp_path):
    """Three classes of images of many sizes, modes and formats."""
    dice = np.random.default_rng(0)
    root = tmp_path / "cats and dogs"
    for label in ("cat", "dog", "yak"):
        (root / label).mkdir(parents=True)
        for number in range(24):
            mode = MODES[number % len(MODES)]
            height, width = dice.integers(12, 60, 2)
            pixels = dice.integers(0, 256, (height, width, 4), np.uint8)
            if mode == "I;16":
                image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
            else:
                image = Image.fromarray(pixels, "RGBA").convert("RGB").convert(mode)
            form = "jpeg" if mode in ("CMYK", "L") else "png"
            image.save(root / label / f"{number}.{form}")
    return root


def test_a_folder_runs_whole_and_the_files_name_it(fresh, folder):
    fresh.snakemake("all", "--config", f"data={folder}")
    cell = json.loads((fresh.path / "results/cells/guidance/ag/accuracy.json").read_text())
    assert cell["dataset"] == folder.name
    for end in ("md", "tex"):
        assert folder.name in (fresh.path / f"results/tables/guidance.{end}").read_text()
    classes = json.loads((fresh.node("index") / "classes.json").read_text())
    assert classes == ["cat", "dog", "yak"]
    assert "Nothing to be done" in fresh.snakemake("all", "--config", f"data={folder}")


def test_all_corrupt_files_are_named_at_once_or_skipped_and_recorded(fresh, folder):
    (folder / "cat" / "0.png").write_bytes((folder / "cat" / "0.png").read_bytes()[:200])
    (folder / "yak" / "notes.txt").write_text("not an image")
    output = fresh.snakemake("all", "--config", f"data={folder}", status=1)
    assert "cat/0.png is damaged" in output
    assert "yak/notes.txt is not a PNG, JPEG or WebP image" in output
    assert "Traceback" not in output
    assert not (fresh.path / "results/cells").exists()

    skip = f"data: {{kind: folder, path: {folder}, resolution: 12, on_bad_file: skip"
    skip += ", held_out: 24}"
    fresh.edit((TOY, skip))
    fresh.snakemake("--until", "encode")
    skipped = (fresh.node("index") / "skipped.csv").read_text()
    assert "cat/0.png" in skipped
    assert "yak/notes.txt" in skipped

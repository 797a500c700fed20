"""The example of docs/modular-pipelines.md, run on a tiny model saved in the real layout."""

from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs/modular-pipelines.md").read_text(encoding="utf-8")


def test_the_example_draws_an_image(saved):
    example = PAGE.split("```python\n")[1].split("```")[0]
    example = example.replace("path/to/sd3", str(saved("sd3", t5=True)))
    example = example.replace("[7, 8, 9]", "[1, 2]")  # of 4 blocks
    names = {}
    exec(example, names)
    (image,) = names["images"]
    assert image.size == (16, 16)
    said = names["pipe"](
        prompt="red", negative_prompt="", num_inference_steps=28, output="forwards"
    )
    assert said == pytest.approx(14 * 2 + 14 * 1.25)  # of 4 blocks one follows the skipped

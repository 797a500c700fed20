"""The README's example and the conversions of the released notation do what they say."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from tiny_sd3 import LATENT, SIDE, pipeline, transformer

from w2s.pipelines.draw import draw
from w2s.pipelines.encoding import encode

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOTATION = (ROOT / "docs" / "guidance-notation.md").read_text(encoding="utf-8")
LAYERS, STEPS, LENGTH = [7, 8, 9], 28, 8


@pytest.fixture(scope="module")
def deep():
    """A pipeline of 24 tiny blocks, as many as the released medium ones have."""
    pipe = pipeline("sd3.5", t5=True)
    return type(pipe)(**pipe.components | {"transformer": transformer("sd3.5", layers=24)})


def test_the_readme_example_runs(deep, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    deep.save_pretrained("models/sd3.5-medium")
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    exec(compile(example, "README.md", "exec"), {})
    with Image.open("ring.png") as image:
        assert image.size == (2 * SIDE, 2 * SIDE)
    assert capsys.readouterr().out == "50.17 forwards\n"


def released(pipe, x, w, s, cfg, skipped):
    """The released code's loop: windows of steps counted from 1, their last one included."""
    given, null = (encode(pipe, [text], LENGTH) for text in ("red star", ""))
    pipe.scheduler.set_timesteps(STEPS)

    def velocity(t, condition, skip=None):
        net = pipe.transformer
        return net(x, condition.text, condition.pooled, t[None], skip_layers=skip)[0]

    for i, t in enumerate(pipe.scheduler.timesteps):
        v = strong = velocity(t, given)
        if cfg[0] - 1 <= i <= cfg[1] - 1:
            v = v + (w - 1) * (strong - velocity(t, null))
        if skipped[0] - 1 <= i <= skipped[1] - 1:
            v = v + s * (strong - velocity(t, given, LAYERS))
        x = x + (pipe.scheduler.sigmas[i + 1] - pipe.scheduler.sigmas[i]) * v
    return x


@torch.no_grad()
@pytest.mark.parametrize("block", [0, 1], ids=["steps", "t"])
def test_the_worked_conversion_is_the_released_run(deep, block):
    guidance = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", NOTATION, re.S)[block])
    x = torch.randn(1, LATENT, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    want = released(deep, x, 4.5, 3.0, (1, 14), (15, 28))
    drawn = draw(
        deep,
        "red star",
        guidance=guidance,
        latents=x,
        max_sequence_length=LENGTH,
        output="latents",
        progress=False,
    )
    assert (want - drawn.latents).abs().max() / want.abs().max() < 1e-4
    assert round(drawn.forwards, 2) == 50.17
    assert "50.17 forwards" in NOTATION
    assert [window["steps"] for window in drawn.windows] == [[0, 14], [14, 28]]
    assert [f"{drawn.times[step]:.4f}" for step in (13, 14)] == ["0.7647", "0.7371"]


@torch.no_grad()
def test_windows_that_overlap_there_are_one_here(deep):
    x = torch.randn(1, LATENT, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    want = released(deep, x, 1.5, 0.5, (1, 28), (1, 28))
    guidance = {"method": "skip_layer", "blocks": LAYERS, "weight": 0.5 + 1, "cfg": 1.5}
    drawn = draw(
        deep, "red star", guidance=guidance, latents=x, max_sequence_length=LENGTH, progress=False
    )
    assert (want - drawn.latents).abs().max() / want.abs().max() < 1e-4


def test_a_falling_weight_is_a_linear_schedule():
    """There ``w + d (1 - 2 p)`` at progress p within the window."""
    from w2s.guidance.reading import read_guidance
    from w2s.guidance.windows import resolve

    (given,) = re.findall(r"`weight: (\{schedule: linear.*?\})`", NOTATION)
    w, d = 4.5, 1.5
    schedule = yaml.safe_load(given.replace("w + d", str(w + d)).replace("w − d", str(w - d)))
    methods = resolve(read_guidance({"method": "cfg", "weight": schedule}), np.linspace(1, 0, 12))
    assert [method.weight for method in methods] == pytest.approx(
        [w + d * (1 - 2 * i / 10) for i in range(11)]
    )

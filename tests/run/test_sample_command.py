"""`w2s sample`: pictures that say how they were made, kept, and resumed to the same bytes."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tiny_sd3
from PIL import Image

from w2s.cli import main
from w2s.pipelines.draw import draw
from w2s.run.recipe_pictures import KEY, is_drawn

PROMPTS = ["small red star", "grün ☂", "small red star"]
LONG = " ".join(["star"] * 20)
SGG = """
- {method: cfg, weight: 4.5, steps: [0, 2]}
- {method: skip_layer, blocks: [1, 2], weight: 4.0, steps: [2, 4]}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_sd3.save(tmp_path_factory.mktemp("tiny") / "model", "sd3.5")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with prompts and a guidance, and no study."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts.txt").write_text("\n".join(PROMPTS) + "\n", encoding="utf-8")
    (tmp_path / "sgg.yaml").write_text(SGG)
    return tmp_path


def arguments(model, **changed):
    asked = {
        "model": model,
        "guidance": "sgg.yaml",
        "prompts": "prompts.txt",
        "out": "out",
        "steps": 4,
        "images": 2,
        "text-length": 12,
        "batch": 4,
    }
    return ["sample", *(f"--{name}={value}" for name, value in (asked | changed).items())]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def recipe(path):
    with Image.open(path) as image:
        return json.loads(image.text[KEY])


def test_each_image_is_a_picture_with_its_recipe(model, here, capsys):
    assert main(arguments(model)) == 0
    said = capsys.readouterr()
    assert said.out == "6 images in out, 0 of them there before; 6.50 forwards each\n"
    assert "sampling step 8/8, 0 s left" in said.err
    names = [f"{prompt:04}-{image}.png" for prompt in range(3) for image in range(2)]
    assert sorted(contents(here / "out")) == [*names, "recipe.json"]
    made = recipe(here / "out/0001-1.png")
    assert [made[key] for key in ("prompt", "number", "image")] == ["grün ☂", 1, 1]
    assert [window["steps"] for window in made["windows"]] == [[0, 2], [2, 4]]
    assert made["windows"][0]["window"] == [made["times"][2], 1.0]
    assert made["guidance"][1]["blocks"] == [1, 2]
    assert (made["negative_prompt"], made["seed"], made["text_length"]) == ("", 0, 12)
    assert (made["precision"], made["device"], made["forwards"]) == ("fp32", made["device"], 6.5)
    assert {"transformer", "vae", "tokenizer_2"} <= made["model"].keys()
    assert {"w2s", "torch", "diffusers", "transformers"} <= made["versions"].keys()


def test_images_are_those_of_the_function(model, here):
    assert main(arguments(model, negative="striped", seed=3, width=24)) == 0
    drawn = draw(
        tiny_sd3.pipeline("sd3.5"),
        PROMPTS,
        guidance=[
            {"method": "cfg", "weight": 4.5, "steps": [0, 2]},
            {"method": "skip_layer", "blocks": [1, 2], "weight": 4.0, "steps": [2, 4]},
        ],
        negative_prompt="striped",
        seed=3,
        images_per_prompt=2,
        width=24,
        steps=4,
        max_sequence_length=12,
        progress=False,
    )
    for row, image in enumerate(drawn.images):
        with Image.open(here / f"out/{row // 2:04}-{row % 2}.png") as picture:
            assert np.array_equal(np.asarray(picture), image)
    assert drawn.images.shape[1:3] == (16, 24)
    # the same text twice is two prompts
    assert not np.array_equal(drawn.images[0], drawn.images[4])


def test_what_is_there_is_kept_and_the_rest_drawn_anew(model, here, capsys):
    main(arguments(model))
    out, before = here / "out", contents(here / "out")
    first = (out / "0000-0.png").stat().st_mtime_ns
    (out / "0001-0.png").unlink()
    (out / "0002-0.png").write_bytes(before["0002-0.png"][:-20])
    (out / "0002-1.png").write_bytes(before["0000-0.png"])  # whole, but of another prompt
    capsys.readouterr()
    assert main(arguments(model)) == 0
    assert "3 of them there before" in capsys.readouterr().out
    assert contents(out) == before
    assert (out / "0000-0.png").stat().st_mtime_ns == first


def test_nothing_is_loaded_where_all_is_there(model, here, monkeypatch):
    main(arguments(model))
    monkeypatch.setattr("w2s.run.drawing.draw_pictures", None)
    assert main(arguments(model)) == 0


def test_a_killed_command_goes_on_to_the_same_bytes(model, here):
    main(arguments(model, out="whole", batch=1))
    command = [sys.executable, "-m", "w2s", *arguments(model, batch=1)]
    job = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while not list((here / "out").glob("0*.png")) and job.poll() is None:
        time.sleep(0.005)
    os.kill(job.pid, signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    assert 0 < len(list((here / "out").glob("0*.png"))) < 6
    assert main(arguments(model, batch=1)) == 0
    assert contents(here / "out") == contents(here / "whole")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 1}, "(seed differ"),
        ({"guidance": "cfg"}, "(guidance_name, guidance, windows, forwards differ"),
        ({"images": 3}, "(images_per_prompt differ"),
        ({"precision": "bf16"}, "(precision differ"),
        ({"negative": "red"}, "(negative_prompt differ"),
    ],
)
def test_another_recipe_is_refused(model, here, capsys, changed, said):
    main(arguments(model, images=1, steps=4))
    before = contents(here / "out")
    assert main(arguments(model, **{"images": 1} | changed)) == 2
    assert f"out holds images of another recipe {said}" in capsys.readouterr().err
    assert contents(here / "out") == before


def test_other_files_are_left_alone(model, here, capsys):
    (here / "out").mkdir()
    (here / "out/mine.png").write_text("mine")
    assert main(arguments(model)) == 2
    assert "out is not empty and was not made by this command" in capsys.readouterr().err
    assert main(arguments(model, out="prompts.txt")) == 2
    assert "prompts.txt is not empty" in capsys.readouterr().err


def test_a_cut_prompt_is_told(model, here, capsys):
    (here / "prompts.txt").write_text(f"red star\n{LONG}\n")
    assert main(arguments(model, images=1)) == 0
    assert "prompt 1: clip does not see its last 6 tokens\n" in capsys.readouterr().err


def test_a_second_folder_is_the_weak_network(model, here, capsys):
    (here / "ag.yaml").write_text("{method: autoguidance, weight: 2, weak: small}")
    assert main([*arguments(model, guidance="ag.yaml", images=1), f"--weak=small={model}"]) == 0
    assert "8.00 forwards each" in capsys.readouterr().out
    assert list(recipe(here / "out/0000-0.png")["weak"]) == ["small"]


def test_a_picture_is_known_by_its_whole_recipe(model, here):
    main(arguments(model, images=1))
    path = here / "out/0000-0.png"
    made = recipe(path)
    assert is_drawn(path, made)
    assert not is_drawn(path, made | {"seed": 1})
    assert not is_drawn(here / "out/absent.png", made)
    assert not is_drawn(here / "prompts.txt", made)
    Image.new("RGB", (4, 4)).save(here / "other.png")
    assert not is_drawn(here / "other.png", made)

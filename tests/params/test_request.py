"""What `w2s sample` is asked for: read right, or refused in one sentence before anything runs."""

import json
from pathlib import Path

import pytest
import tiny_sd3

from w2s.cli import main
from w2s.params.files import Layers
from w2s.params.request import read_request

ABSENT = Layers((("params.yaml", {}),))
REFUSED = {
    # what: arguments, words of the sentence
    "no model": ({"model": "absent"}, "--model: absent does not exist: a folder of Stable"),
    "no prompts": ({"prompts": "absent.txt"}, "--prompts: the prompts absent.txt cannot be read"),
    "empty prompts": ({"prompts": "empty.txt"}, "--prompts: empty.txt holds no prompt"),
    "no guidance": (
        {"guidance": "cgf"},
        "--guidance: 'cgf' is neither a file nor an entry of params.yaml: guidance, nor a method; "
        "did you mean 'cfg'?",
    ),
    "bad guidance": ({"guidance": "bad.yaml"}, "bad.yaml: weight: must be at least 0"),
    "no such block": ({"guidance": "far.yaml"}, "far.yaml: A method skips blocks [9]"),
    "late window": ({"guidance": "late.yaml"}, "late.yaml: A window of method cfg ends at step 9"),
    "a mid head": ({"guidance": "internal"}, "--guidance: internal: A method reads the mid head"),
    "no weak network": (
        {"guidance": "autoguidance"},
        "the guidance extrapolates from a network 'small': give it as weak, where there is none",
    ),
    "a nameless network": ({"weak": ["folder"]}, "--weak: must be like small=path/to/folder"),
    "no weak folder": ({"weak": ["small=absent"]}, "--weak: absent does not exist"),
    "steps": ({"steps": 0}, "--steps: must be at least 1, not 0"),
    "images": ({"images": -1}, "--images: must be at least 1"),
    "batch": ({"batch": 0}, "--batch: must be at least 1"),
    "seed": ({"seed": -1}, "--seed: must be at least 0"),
    "height": ({"height": 18}, "--height: must be a multiple of 4 pixels up to 48, not 18"),
    "width": ({"width": 52}, "--width: must be a multiple of 4 pixels up to 48, not 52"),
    "no height": ({"height": 0}, "--height: must be a multiple"),
    "precision": ({"precision": "fp8"}, "--precision: must be one of fp32, bf16, fp16, not 'fp8'"),
    "text length": ({"text_length": 513}, "--text-length: must be 1 to 512, not 513"),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_sd3.save(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def asked(model, tmp_path, monkeypatch):
    """Arguments that are fine."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "prompts.txt": "red star\nblue ring\n",
        "empty.txt": "\n\n",
        "bad.yaml": "{method: cfg, weight: -1}",
        "far.yaml": "{method: skip_layer, weight: 2, blocks: [9]}",
        "late.yaml": "{method: cfg, weight: 2, steps: [0, 9]}",
    }.items():
        (tmp_path / name).write_text(text)
    return {
        "model": model,
        "prompts": "prompts.txt",
        "guidance": "cfg",
        "out": "out",
        "weak": [],
        "steps": 8,
        "images": 1,
        "seed": 0,
    }


def argv(asked):
    flags = [f"--weak={text}" for text in asked["weak"]]
    rest = {key: value for key, value in asked.items() if key != "weak"}
    return ["sample", *flags, *(f"--{k.replace('_', '-')}={v}" for k, v in rest.items())]


@pytest.mark.parametrize("what", REFUSED)
def test_bad_arguments(asked, capsys, tmp_path, what):
    changed, says = REFUSED[what]
    assert main(argv(asked | changed)) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def read(asked, tmp_path, entries=None, **changed):
    rest = {
        "negative": "",
        "height": None,
        "width": None,
        "text_length": None,
        "precision": "fp32",
        "batch": 4,
        "device": "cpu",
    }
    paths = {name: tmp_path / asked[name] for name in ("model", "prompts", "out")}
    found = asked | paths | rest | changed
    return read_request(**found, entries=lambda: (entries or {}, ABSENT))


def test_what_is_not_said_is_the_models(asked, tmp_path):
    request = read(asked, tmp_path)
    assert request.course.shape == (tiny_sd3.LATENT, tiny_sd3.SIDE, tiny_sd3.SIDE)
    assert (request.text_length, request.text_tokens) == (256, tiny_sd3.CLIP_LENGTH + 256)
    assert request.prompts.texts == ("red star", "blue ring")
    assert len(request.course.times) == 9
    wide = read(asked, tmp_path, height=8, width=40, text_length=5)
    assert wide.course.shape == (tiny_sd3.LATENT, 4, 20)
    assert wide.text_length == 5


def test_a_guidance_is_an_entry_a_method_or_none(asked, tmp_path):
    (window,) = read(asked, tmp_path).guidance
    assert (window.method, window.weight) == ("cfg", 2.0)
    assert read(asked, tmp_path, guidance="none").guidance == ()
    entry = (window.model_copy(update={"weight": 7.0}),)
    request = read(asked, tmp_path, {"cfg": entry, "mine": entry}, guidance="mine")
    assert (request.guidance_name, request.guidance) == ("mine", entry)
    assert read(asked, tmp_path, {"cfg": entry}).guidance == entry  # before the method's example


def test_networks_that_no_window_asks_for_are_left_out(asked, model, tmp_path):
    weak = [f"small={model}", f"other={model}"]
    request = read(asked, tmp_path, weak=weak, guidance="autoguidance")
    assert list(request.weak) == ["small"]


def test_an_entry_of_the_study_is_found(asked, study_folder, capsys, monkeypatch):
    paths = {"model": asked["model"], "prompts": Path(asked["prompts"]).resolve()}
    monkeypatch.chdir(study_folder.root)
    given = asked | paths | {"guidance": "cfg-2x", "steps": 1}
    assert main(argv(given)) == 2
    said = capsys.readouterr().err
    assert (
        "nor an entry of scales/mini/pictures.yaml: guidance, nor a method; did you mean 'cfg-2'?"
        in said
    )
    assert main(argv(given | {"guidance": "cfg-2", "text_length": 4})) == 0
    made = json.loads((study_folder.root / "out/recipe.json").read_text())
    assert made["guidance_name"] == "cfg-2"
    assert [window["weight"] for window in made["guidance"]] == [2.0]

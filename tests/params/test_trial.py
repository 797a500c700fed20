"""What `w2s plane` is asked for: read right, or refused in one sentence before anything runs."""

import subprocess
import sys

import pytest
from tiny_points import POINTS, write

from w2s.cli import main
from w2s.params.trial import TIMES, read_trial
from w2s.plane.errors import Errors
from w2s.plane.tree import WORLDS

CFG = "{method: cfg, weight: 2}"
REFUSED = {
    # what: arguments, words of the sentence
    "world": (["--world", "fwe"], "--world: there is no world named 'fwe'; did you mean 'few'?"),
    "error's name": (["--main", "smoth=1"], "--main: smoth: unknown key; did you mean 'smooth'?"),
    "no value": (["--main", "smooth"], "--main: must be exact or like blur=0.1,smooth=0.03"),
    "empty": (["--main", ""], "--main: must be exact or like"),
    "twice": (["--main", "blur=.1,blur=.2"], "--main: blur appears twice"),
    "negative": (["--main", "smooth=-1"], "--main: smooth: must be at least 0"),
    "nan": (["--weak", "smooth=nan"], "--weak: smooth: must be a finite number"),
    "text": (["--weak", "smooth=x"], "--weak: smooth: must be a number, not 'x'"),
    "all blurred": (["--main", "blur=1"], "--main: blur: must be below 1"),
    "no depth": (["--main", "shallow=0"], "--main: shallow: must be at least 1"),
    "half a depth": (["--main", "shallow=1.5"], "--main: shallow: must be a whole number"),
    "whole depth": (["--main", "shallow=3"], "shallow: must be below the world's depth of 3"),
    "equal networks": (["--weak", "exact"], "--weak: is the same network as --main"),
    "equal by value": (["--weak", "blur=0,smooth=0.0"], "--weak: is the same network as --main"),
    "few points": (["--points", "39"], "--points: must be 40 to 12000 in this world, not 39"),
    "many points": (["--points", "12001"], "--points: must be 40 to 12000"),
    "seed": (["--seed", "-1"], "--seed: must be at least 0"),
    "folder": (["--out", "absent/x.png"], "--out: there is no folder absent; make it"),
    "format": (["--out", "x.jpg"], "--out: x.jpg must end in .png"),
}
GUIDANCE = {
    # what: the file's text, words of the sentence after its path
    "nothing": ("", "must be a list, not null"),
    "unknown method": ("{method: cgf, weight: 2}", "method: must be one of"),
    "unknown key": ("{method: cfg, weigt: 2}", "weigt: unknown key; did you mean 'weight'?"),
    "in a list": (f"[{CFG}, {{method: cfg, weight: -2}}]", "[1].weight: must be at least 0"),
    "overlap": (f"[{CFG}, {{method: adg, weight: 2}}]", "two windows overlap"),
    "too many steps": ("{method: cfg, weight: 2, steps: [0, 50]}", "there are only 32 steps"),
    "no YAML": ("{method: cfg", "not valid YAML"),
    "head": ("{method: internal, weight: 2}", "method: internal needs a mid head"),
    "blocks": ("{method: skip_layer, blocks: [0], weight: 2}", "skip_layer needs blocks to skip"),
}


@pytest.fixture
def entry(tmp_path):
    """A file with a guidance block."""

    def write(text=CFG):
        path = tmp_path / "entry.yaml"
        path.write_text(text)
        return str(path)

    return write


def refusal(capsys, *arguments):
    assert main(["plane", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("w2s: ")
    return err.removeprefix("w2s: ").rstrip("\n")


@pytest.mark.parametrize("what", REFUSED)
def test_arguments_that_cannot_be_are_refused(what, entry, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, words = REFUSED[what]
    said = refusal(capsys, "--guidance", entry(), *arguments)
    assert words in said
    assert "\n" not in said


@pytest.mark.parametrize("what", GUIDANCE)
def test_guidance_that_cannot_be_is_refused(what, entry, capsys):
    text, words = GUIDANCE[what]
    path = entry(text)
    said = refusal(capsys, "--guidance", path)
    assert said.startswith(path + ": ")
    assert words in said


def test_an_entry_of_the_study_is_refused_with_its_key(study_folder, capsys):
    said = refusal(capsys, "--guidance", "slg")
    assert said.startswith(
        "scales/mini/pictures.yaml: guidance.slg.method: skip_layer needs blocks to skip"
    )
    said = refusal(capsys, "--guidance", "sgg")
    assert said.startswith("--weak: sgg asks for the weak network 'small-net'; say what it gets")
    said = refusal(capsys, "--guidance", "sgg-revresed")
    assert said.startswith("--guidance: 'sgg-revresed' is neither a file nor an entry of scales/")
    assert said.endswith("did you mean 'sgg-reversed'?")


def test_a_trial_is_what_was_asked_for(entry):
    trial = read_trial(
        world="many",
        main="blur=0.1,smooth=3e-2",
        weak="blur=0.1,smooth=0.06",
        guidance=entry("[{method: cfg, weight: 2, window: [0.5, 1]}]"),
        points=None,
        seed=4,
        entries=lambda: pytest.fail("a file needs no study"),
    )
    assert trial.world == WORLDS["many"]
    assert trial.main == Errors(blur=0.1, smooth=0.03)
    assert trial.weak == Errors(blur=0.1, smooth=0.06)
    assert (trial.guidance_name, trial.points, trial.seed) == ("entry", 3600, 4)
    assert [method is not None for method in trial.methods] == [t > 0.5 for t in TIMES[:-1]]
    assert trial.weak_names == []


def test_errors_that_do_nothing_in_one_class_make_equal_networks(monkeypatch, capsys, entry):
    monkeypatch.setitem(WORLDS, "one", WORLDS["few"].model_copy(update={"classes": 1}))
    said = refusal(capsys, "--world", "one", "--guidance", entry(), "--weak", "blur=0.5")
    assert said.startswith("--weak: is the same network as --main")


def test_worlds_and_guidance_of_the_study_can_be_tried(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tiny = {"tiny": {"classes": 2, "depth": 1, "seed": 5}}
    write(tmp_path, POINTS | {"worlds": POINTS["worlds"] | tiny})
    asked = ("--guidance", "sgg", "--points", "19")
    said = refusal(capsys, "--world", "tiny", *asked)
    assert said == "--points: must be 20 to 12000 in this world, not 19"
    assert "did you mean 'tiny'?" in refusal(capsys, "--world", "tinny", *asked)
    said = refusal(capsys, "--world", "tiny", "--guidance", "sgg")
    assert said.startswith("--weak: sgg asks for the weak network 'worse'")


def test_a_refusal_needs_no_torch(entry):
    code = (
        "import sys; from w2s.cli import main;"
        f"assert main(['plane', '--guidance', {entry()!r}, '--main', 'blur=2']) == 2;"
        "assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0

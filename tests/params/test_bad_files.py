"""Mistakes in params.yaml, on the command line and in files as such: a sentence, status 2."""

import shutil
import subprocess
import sys

import pytest
from refusals import refused
from tiny_study import DELETE

MINI, SMOKE, TOP = "scales/mini/pictures.yaml", "scales/smoke/pictures.yaml", "params.yaml"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("scale",), "mnii", "scale: there is no scale named 'mnii'; did you mean 'mini'?"),
        (("scale",), "zzz", "scale: there is no scale named 'zzz'; there are mini, paper, smoke"),
        (("scale",), "../mini", "scale: '../mini' is no name; it is made of letters"),
        (("parts",), "picture", "parts: scale 'mini' has no part named 'picture'; did you mean '"),
        (("parts",), ["pictures", "x"], "parts: scale 'mini' has no part named 'x'; there is only"),
        (("parts",), [], "parts: must have at least 1 entry"),
        (("parts",), 3, "parts: must be a list or text, not 3"),
        (("scale",), DELETE, "scale: is missing"),
        (("execution", "threads"), 0, "execution.threads: must be above 0, not 0"),
        (("execution", "device"), "gpu", "execution.device: "),
        (("execution", "treads"), 1, "execution.treads: unknown key; did you mean 'threads'?"),
        (
            ("execution", "precision"),
            "bf16",
            "execution: precision changes results",
        ),
        (("execution", "compile"), True, "execution: compile changes results"),
        (("dta",), "x", "dta: unknown key; did you mean 'data'?"),
        (("data",), "nowhere", "data: there is no folder nowhere"),
        (("data",), "", "data: must not be empty"),
    ],
)
def test_mistakes_in_the_settings_name_params_yaml(study_folder, capsys, path, value, words):
    study_folder.edit(path, value, TOP)
    (line,) = refused(capsys)
    assert line.startswith(f"{TOP}: {words}")


def test_mistakes_on_the_command_line_are_named_as_such(study_folder, capsys, tmp_path):
    (line,) = refused(capsys, "--scale", "mnii")
    assert line == "command line: scale: there is no scale named 'mnii'; did you mean 'mini'?"
    (line,) = refused(capsys, "--data", "nowhere")
    assert line.startswith("command line: data: there is no folder nowhere; ")
    (tmp_path / "empty").mkdir()
    (line,) = refused(capsys, "--data", "empty")
    assert line.startswith("command line: data: empty has no sub-folders; ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sampling: {steps: 1\n", "not valid YAML at line"),
        ("a: b: c\n", "not valid YAML at line 1"),
        ("a: 1\nb: 2\na: 3\n", "at line 3: the key 'a' appears twice in one block"),
        ("x: {a: 1, a: 2}\n", "at line 1: the key 'a' appears twice in one block"),
        ("- a\n- b\n", "must hold keys and values"),
        ("", "must hold keys and values"),
        ("? [a, b]\n: 1\n", "not valid YAML at line 1"),
        ("a: &x 1\nb: *y\n", "not valid YAML at line 2"),
        ("a: \x07\n", "not valid YAML"),
        ("base: none-such\n", "base: there is no scale named 'none-such'; there are mini, paper"),
        ("base: mini\n", "base: 'mini' rests on this file itself"),
        ("base: smoke/text\n", "base: scale 'smoke' has no part named 'text'; there is only pict"),
    ],
)
def test_a_broken_file_is_one_sentence(study_folder, capsys, tmp_path, text, words):
    (tmp_path / MINI).write_text(text)
    (line,) = refused(capsys)
    assert line.startswith(f"{MINI}: ")
    assert words in line


def test_missing_and_undecodable_files_are_named(study_folder, capsys, tmp_path):
    (tmp_path / MINI).write_bytes(b"a: \xff\xfe\n")
    assert refused(capsys) == [f"{MINI}: is not UTF-8 text; save it as that"]
    shutil.rmtree(tmp_path / "scales/mini")
    absent = "there is no scale named 'mini'; there are paper, smoke"
    assert refused(capsys) == [f"{TOP}: scale: {absent}"]
    (tmp_path / TOP).unlink()
    assert refused(capsys)[0].startswith(f"{TOP}: cannot be read (No such file")


def test_the_shell_sees_status_2_and_one_sentence(study_folder, tmp_path):
    study_folder.edit(("sampling", "steps"), -1)
    command = [sys.executable, "-m", "w2s", "plan"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"w2s: {MINI}: sampling.steps: must be above 0, not -1\n"
    assert done.stdout == ""

"""`w2s tune`: a run of Snakemake for each round, until none is left or one goes wrong."""

import sys

import pytest
import yaml
from run_folder import SMALL
from tuned_study import TUNE, finish, surface, write_round

from w2s.cli import main
from w2s.params.load import load_study
from w2s.run import tune as command
from w2s.store.searches import searches

PARAMS = "params.yaml"


@pytest.fixture
def load(tmp_path, monkeypatch):
    """The small study with a search; runs of Snakemake are given to the test."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scales").mkdir()
    small = yaml.safe_load(SMALL.read_text()) | {"tune": TUNE}
    (tmp_path / "scales/smoke.yaml").write_text(yaml.safe_dump(small, sort_keys=False))
    (tmp_path / PARAMS).write_text("scale: smoke\n")
    return lambda: load_study(tmp_path / PARAMS)


def test_every_round_is_a_run_and_so_is_the_outcome(load, monkeypatch, capsys):
    runs = []

    def run(words):
        runs.append(words)
        write_round(load())
        return 0

    monkeypatch.setattr(command, "_run", run)
    assert main(["tune", "--parts", "pictures", "--", "--cores", "3"]) == 0
    tail = ["snakemake", "tune", "--cores", "3", "--config", 'parts=["pictures"]']
    assert {tuple(words[2:]) for words in runs} == {tuple(tail)}
    assert capsys.readouterr().out.splitlines()[-1] == "pictures: finished after 10 evaluations"
    assert len(runs) == 1 + len(searches(load())["pictures"].rounds)


def test_a_finished_search_is_run_once_for_its_table(load, monkeypatch):
    finish(load(), values=surface)
    runs = []
    monkeypatch.setattr(command, "_run", lambda words: runs.append(words) or 0)
    assert main(["tune"]) == 0
    assert len(runs) == 1


def test_what_snakemake_ends_with_is_passed_on(load, monkeypatch):
    monkeypatch.setattr(command, "COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    assert main(["tune"]) == 3


def test_a_run_that_makes_no_round_ends_the_search_with_a_sentence(load, monkeypatch, capsys):
    monkeypatch.setattr(command, "COMMAND", (sys.executable, "-c", ""))
    assert main(["tune", "--", "-n"]) == 2
    assert "the round was run but is not in results/tune" in capsys.readouterr().err


def test_a_study_with_nothing_to_tune_is_refused(load, tmp_path, capsys):
    (tmp_path / "scales/smoke.yaml").write_text(SMALL.read_text())
    for verb in ("tune", "adopt"):
        assert main([verb]) == 2
        assert "no part of this study has a block tune in its file" in capsys.readouterr().err

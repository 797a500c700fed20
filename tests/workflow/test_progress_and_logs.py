"""What a person sees while it runs, and what the log files hold."""

import json
import os
import pty
import re
import subprocess


def test_without_a_terminal_each_finished_job_is_a_line(study):
    (study.path / "results/cells/guidance/ag/fd.json").unlink()
    output = study.snakemake()
    line = r"^\d\d:\d\d:\d\d cells guidance 1/1, 1 of 2 jobs, (about|at least) \d+ s left$"
    assert re.search(line, output, re.M)
    assert "\x1b" not in output


def test_on_a_terminal_bars_count_jobs_and_time(study):
    (study.path / "results/cells/guidance/ag/fd.json").unlink()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        study.command(), cwd=study.path, env=study.environment | {"TERM": "xterm"},
        stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    screen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", _read(ours))
    assert process.wait() == 0
    assert re.search(r"Total Progress .*\d% +0/2 ", screen)
    assert re.search(r"cells guidance .*100% +1/1 \d:\d\d:\d\d", screen)


def test_log_files_are_quiet(finished):
    logs = list((finished.path / "results/logs").rglob("*.log"))
    assert {log.parent.name for log in logs} >= {"render", "train", "sample", "evaluate"}
    for log in logs:
        text = log.read_text()
        assert len(text.splitlines()) <= 20, log
        assert not re.search("warning|traceback|nanobind|error", text, re.I), text


def test_training_reports_its_own_progress(finished):
    key = finished.node("train", "base").name
    text = (finished.path / f"results/logs/train/{key}.log").read_text()
    assert re.search(r"step 8/8, loss \d+\.\d+, \d+ ms per step, 0 s left", text)


def test_a_finished_study_has_a_finished_status(finished):
    status = json.loads(finished.w2s("status", "--json"))
    assert status["finished"]
    assert status["nodes"] == {"done": sum(status["nodes"].values())}
    assert (status["running"], status["trouble"], status["run"]) == ([], [], None)
    assert status["hours"]["spent"] > 0
    assert list((finished.path / "results/store/.jobs").iterdir()) == []


def test_status_follows_what_is_made_anew(study):
    study.w2s("recompute", "results/cells/guidance/ag/fd.json")
    before = json.loads(study.w2s("status", "--json"))
    assert not before["finished"]
    assert before["nodes"]["queued"] == 1  # the first of a chain; the rest waits for it
    study.snakemake()
    assert json.loads(study.w2s("status", "--json"))["finished"]


def _read(descriptor: int) -> str:
    """All that a terminal's other side writes until it closes."""
    parts = []
    while True:
        try:
            parts.append(os.read(descriptor, 65536))
        except OSError:  # Linux's way to say that nobody holds the other side
            return b"".join(parts).decode(errors="replace")

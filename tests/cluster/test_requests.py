"""What jobs ask of Slurm, told to commands that only write it down: no Slurm is needed."""

import re
import shlex
import sys
from itertools import pairwise

import pytest
import yaml
from cluster_folder import IMPATIENT
from run_folder import ROOT, RunFolder
from snakemake.cli import get_argument_parser

from w2s.params.load import load_study
from w2s.plan.kinds import KINDS
from w2s.plan.study import plan

FAKES = {  # every job fails at once
    "sbatch": 'printf "%s\\n" "$*" >> calls; wc -l < calls',
    "squeue": 'seq $(wc -l < calls) | sed "s/$/|FAILED/"',
    "scontrol": "echo MinJobAge = 300 sec",
    "sinfo": "echo gpu*",
    "scancel": "true",
}
PROFILES = ("slurm", "local", "kubernetes")


def profile(name: str) -> dict:
    return yaml.safe_load((ROOT / name / "config.yaml").read_text())


@pytest.fixture
def fakes(tmp_path, monkeypatch):
    """Slurm's commands, first on the path."""
    folder = tmp_path / "fakes"
    folder.mkdir()
    for name, script in FAKES.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


class Refused(RunFolder):
    """A folder whose jobs go to a cluster where each fails."""

    def command(self, *arguments: str) -> list[str]:
        snakefile = str(ROOT / "Snakefile")
        return [sys.executable, IMPATIENT, "-s", snakefile, "--profile", "slurm", *arguments]

    def asked(self, rule: str) -> list[dict[str, str]]:
        """Options of each sbatch for one rule, in order."""
        calls = (self.path / "calls").read_text().splitlines()
        return [_options(call) for call in calls if f"--comment rule_{rule}_" in call]


def _options(call: str) -> dict[str, str]:
    """Those that a site's rules are about; the wrapped command is left out."""
    words = shlex.split(call.partition(" --wrap=")[0])
    single = dict(pairwise(words))
    double = dict(word.split("=", 1) for word in words if word.startswith("--") and "=" in word)
    return {k: v for k, v in (single | double).items() if k.startswith("-")}


@pytest.fixture
def refused(fakes, tmp_path) -> Refused:
    folder = Refused.create(tmp_path / "study")
    folder.edit(("sampling: {", "gpus: 1\nsampling: {"))
    return folder


def test_each_attempt_asks_for_more_and_the_profile_alone_says_how_often(refused, monkeypatch):
    said = refused.snakemake("all", status=1)
    monkeypatch.chdir(refused.path)
    planned = plan(load_study(refused.path / "params.yaml"))
    (key,) = (k for k, n in planned.nodes.items() if n.kind == "images" and n.spec["count"] == 90)
    planned = planned.resources(key)
    tried = [a for a in refused.asked("render") if key in a["--comment"]]
    assert len(tried) == 1 + profile("slurm")["retries"], said
    assert "Traceback" not in said
    assert [int(a["--mem"]) for a in tried] == [planned.mem_mb * n for n in (1, 2, 3, 3)]
    assert [int(a["-t"]) for a in tried] == [planned.minutes * n for n in (1, 2, 3, 3)]
    assert {a["--cpus-per-task"] for a in tried} == {"1"}
    assert all("--requeue" in a and "--gpus" not in a for a in tried)


def test_a_rule_that_the_profile_gives_to_the_driving_machine_is_no_job(refused):
    said = refused.snakemake(
        "all", "--until", "index", "--set-resources", "render:driver=1", "--retries", "0", status=1
    )
    assert refused.asked("render") == []
    assert len(refused.asked("index")) == 2, said
    assert all("driver" not in str(options) for options in refused.asked("index"))


@pytest.mark.parametrize("name", PROFILES)
def test_no_profile_hides_a_key_of_the_default_one(name):
    assert profile(name).keys() & profile("profiles/default").keys() == set()


@pytest.mark.parametrize("name", PROFILES)
def test_every_key_of_a_profile_is_an_option_of_the_installed_snakemake(name):
    options = {
        option.removeprefix("--")
        for action in get_argument_parser()._actions
        for option in action.option_strings
    }
    assert {"executor", "slurm-status-command"} <= options
    keys = profile(name).keys() | set(_commented_keys(name))
    assert {key for key in keys if not key.startswith("kubernetes")} <= options


def test_the_rules_that_need_another_request_for_gpus_are_all_named():
    text = (ROOT / "slurm" / "config.yaml").read_text()
    named = set(re.findall(r"^#   (\w+): \{gpu: 0, gres: \"gpu:1\"\}$", text, re.M))
    rules = "".join(file.read_text() for file in (ROOT / "rules").glob("*.smk"))
    each = (re.match(r"(\w+):.*?\.w2s/built/(\w+)/", rule, re.S) for rule in rules.split("\nrule "))
    found = dict(match.groups() for match in each if match)
    assert named == {rule for rule, kind in found.items() if KINDS[kind].gpu or kind == "score"}


def _commented_keys(name: str) -> list[str]:
    """Keys of the lines that an administrator may take the # from."""
    return re.findall(r"^# ([a-z-]+):(?: |$)", (ROOT / name / "config.yaml").read_text(), re.M)

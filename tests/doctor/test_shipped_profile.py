"""What the doctor reads in a profile is what this repository's profiles and rules say."""

import re
from pathlib import Path

import pytest

from w2s.doctor.profile import Profile, rule_of
from w2s.doctor.slurm import check_cluster
from w2s.doctor.submission import requests
from w2s.params.load import load_study
from w2s.plan.study import plan

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["smoke", "mini", "paper"])
def planned(request):
    return plan(load_study(ROOT / "params.yaml", {"scale": request.param}))


def test_every_node_has_a_rule_of_the_name_that_profiles_use(planned):
    text = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    rules = set(re.findall(r"^rule (\w+):", text, re.M))
    assert {rule_of(node) for node in planned.nodes.values()} <= rules


def test_the_shipped_profile_asks_for_what_the_plan_says(planned):
    profile = Profile.read(ROOT / "slurm")
    assert profile.executor == "slurm"
    found = requests(profile, planned)
    needs = [planned.resources(key) for key in planned.nodes]
    assert max(most.mem_mb for most in found.values()) == max(one.mem_mb for one in needs)
    assert max(most.minutes for most in found.values()) == max(one.minutes for one in needs)
    assert {bool(request.gpus) for request in found} == {bool(one.gpus) for one in needs}


def test_the_shipped_profile_suits_a_cluster_without_slurmdbd(slurm, monkeypatch):
    slurm.install(monkeypatch)
    findings = list(check_cluster(Profile.read(ROOT / "slurm")))
    assert {finding.level for finding in findings} == {"pass"}

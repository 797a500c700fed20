"""Rules ask for what the plan says, and what it says was enough."""

import re

from run_folder import ROOT

from w2s.params.load import load_study
from w2s.plan.study import plan
from w2s.store import folders


def test_no_job_took_more_memory_than_it_asks_for(finished, monkeypatch):
    monkeypatch.chdir(finished.path)
    planned = plan(load_study(finished.path / "params.yaml"))
    for key, node in planned.nodes.items():
        peak = folders.read_manifest(node.kind, key)["peak_mb"]
        assert 20 < peak <= planned.resources(key).mem_mb, node


def test_snakemake_is_told_what_the_plan_says(fresh, monkeypatch):
    told = fresh.snakemake("--dry-run", "--workflow-profile", "profiles/plain")
    monkeypatch.chdir(fresh.path)
    planned = plan(load_study(fresh.path / "params.yaml"))
    jobs = re.findall(r"(?ms)^rule (?:train|sample):.*?key=(\w+)\n.*?resources: ([^\n]*)", told)
    assert jobs
    for key, line in jobs:
        asked = planned.resources(key)
        assert f"mem_mb={asked.mem_mb}" in line
        assert f"runtime={asked.minutes}" in line


def test_rules_have_no_numbers_of_their_own():
    for file in (ROOT / "rules").glob("*.smk"):
        assert not re.search(r"(mem_mb|runtime|gpu|threads)\s*[=:]\s*\d", file.read_text()), file

"""The whole examination, on a machine of its own and on a cluster."""

import json
from pathlib import Path

import pytest

from w2s.cli import main
from w2s.doctor import examine as examining
from w2s.doctor.finding import as_table, failed, passed, warned


def report(capsys, *arguments, scale="smoke", status=0):
    assert main(["doctor", "--scale", scale, "--json", *arguments]) == status
    said = json.loads(capsys.readouterr().out)
    assert said["fails"] == sum(f["level"] == "fail" for f in said["findings"])
    return {finding["about"]: finding for finding in said["findings"]}


def test_a_machine_without_slurm_runs_the_smoke_study(no_slurm, study_folder, capsys):
    found = report(capsys)
    assert found["executor"]["what"] == "this machine; there is no Slurm"
    assert {finding["level"] for finding in found.values()} == {"pass"}
    assert {"python", "packages", "study", "memory", "device", "store", "disk", "leases"} <= set(
        found
    )
    assert main(["doctor", "--scale", "smoke"]) == 0
    assert capsys.readouterr().out.endswith("\nthe study can run here\n")


def test_commands_without_a_controller_are_a_warning(slurm, monkeypatch, study_folder, capsys):
    slurm.install(monkeypatch)
    slurm.script("sinfo", "#!/bin/sh\nexit 1\n")
    assert report(capsys)["executor"]["level"] == "warn"


def test_a_controller_that_answers_is_the_executor(slurm, monkeypatch, study_folder, capsys):
    slurm.storage = "accounting_storage/slurmdbd"
    slurm.install(monkeypatch)
    found = report(capsys)
    assert found["executor"]["what"].startswith("slurm, whose controller answers")
    assert found["cpu request"]["level"] == "pass"
    assert "memory" not in found  # of the login node, which computes nothing
    assert "shared files" in found
    Path("slurm").mkdir()
    (Path("slurm") / "config.yaml").write_text(
        "executor: slurm\ndefault-resources: {slurm_partition: nope}\n"
    )
    assert report(capsys, status=1)["partition"]["what"] == "there is no nope"


def test_a_profile_for_slurm_fails_where_there_is_none(no_slurm, study_folder, capsys):
    Path("slurm").mkdir()
    (Path("slurm") / "config.yaml").write_text("executor: slurm\n")
    assert report(capsys)["executor"]["level"] == "pass"  # this machine
    found = report(capsys, "--profile", "slurm", status=1)
    assert found["slurm"]["level"] == "fail"
    assert "cpu request" not in found


def test_mistakes_in_the_parameters_are_findings(no_slurm, study_folder, capsys):
    study_folder.edit(("sampling", "steps"), -1, "scales/smoke/pictures.yaml")
    found = report(capsys, status=1)
    assert "sampling.steps" in found["study"]["what"]
    assert "store" in found


@pytest.mark.parametrize(
    ("device", "said"), [("cuda", "0 CUDA devices are visible"), ("cuda:3", "'cuda:3'")]
)
def test_a_device_that_is_not_here(no_slurm, study_folder, capsys, monkeypatch, device, said):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    study_folder.edit(("execution", "device"), device, "params.yaml")
    found = report(capsys, status=1)
    assert said in found["device"]["what"]


def test_a_study_for_gpus_fails_without_one_unless_told_to_use_the_cpu(
    no_slurm, study_folder, capsys, monkeypatch
):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    study_folder.edit(("gpus",), 1)
    device = report(capsys, scale="mini", status=1)["device"]
    assert device["what"] == "the study asks for GPUs, and there is none"
    study_folder.edit(("execution", "device"), "cpu", "params.yaml")
    assert report(capsys, scale="mini")["device"]["level"] == "pass"


def test_a_job_that_does_not_fit_into_memory(no_slurm, study_folder, capsys, monkeypatch):
    monkeypatch.setattr(examining.os, "sysconf", lambda name: 2**12)
    found = report(capsys, status=1)
    assert found["memory"]["what"].startswith("16.8 MB here, the largest job asks for ")


def test_the_table_aligns_findings_and_gives_fixes():
    lines = as_table([passed("a", "x"), warned("long", "y", "do it"), failed("b", "z", "mend")])
    assert lines.splitlines() == [
        "pass  a     x",
        "warn  long  y",
        "            fix: do it",
        "fail  b     z",
        "            fix: mend",
        "",
        "1 of 3 checks fail",
    ]

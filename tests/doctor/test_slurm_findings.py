"""Each thing that can be wrong with a cluster is found, and its fix is said."""

from pathlib import Path

import pytest
import yaml

from w2s.cli import main
from w2s.doctor import slurm as slurm_checks
from w2s.doctor.profile import Profile
from w2s.doctor.slurm import check_cluster, minutes_of, partitions
from w2s.doctor.submission import check_jobs, requests
from w2s.errors import UserError

GOOD = {
    "executor": "slurm",
    "slurm-status-command": "squeue",
    "slurm-no-account": True,
    "default-resources": {"mem_mb": 2000, "runtime": 30},
}


def profile(**changes) -> Profile:
    """The profile of a folder, some of whose keys are changed."""
    folder = Path("profile")
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(GOOD | changes))
    return Profile.read(folder)


def cluster(**changes):
    return list(check_cluster(profile(**changes)))


def only(findings, level):
    """The one finding of a level."""
    (found,) = [finding for finding in findings if finding.level == level]
    return found


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_cluster_that_suits_passes(slurm, monkeypatch):
    slurm.install(monkeypatch)
    findings = cluster()
    assert {finding.level for finding in findings} == {"pass"}
    said = {finding.about: finding.what for finding in findings}
    assert said["slurm"] == "slurm-wlm 22.05.8"
    assert said["partition"] == "cpu, the cluster's default"
    assert said["accounting"] == "no slurmdbd; states are asked by squeue"
    assert said["plugin"].startswith("snakemake-executor-plugin-slurm 2.")


@pytest.mark.parametrize("name", ["scancel", "scontrol", "squeue", "srun"])
def test_a_missing_command_is_named(slurm, monkeypatch, name):
    slurm.commands.remove(name)
    slurm.install(monkeypatch)
    (finding,) = cluster()
    assert (finding.level, finding.what) == ("fail", f"no {name} on the PATH")


def test_a_controller_that_is_away(slurm, monkeypatch):
    slurm.install(monkeypatch)
    slurm.script("sinfo", "#!/bin/sh\necho 'Unable to contact slurmctld' >&2; exit 1\n")
    assert partitions() is None
    (finding,) = cluster()
    assert finding.level == "fail"
    assert "Unable to contact" in finding.what


def test_a_controller_that_hangs(slurm, monkeypatch):
    slurm.install(monkeypatch)
    slurm.script("sinfo", "#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr(slurm_checks, "SECONDS", 0.2)
    (finding,) = cluster()
    assert "sinfo does not answer within 0.2 s" in finding.what


def test_a_plugin_that_is_absent(slurm, monkeypatch):
    slurm.install(monkeypatch)
    monkeypatch.setattr(slurm_checks, "PLUGIN", "no-such-plugin")
    assert only(cluster(), "fail").what == "no-such-plugin is absent"


@pytest.mark.parametrize(
    ("name", "what", "fix"),
    [
        ("gpus", "there is no gpus", "slurm_partition in profile/config.yaml: did you mean 'gpu'?"),
        ("old", "old is not up", "choose another"),
    ],
)
def test_a_partition_that_cannot_be_used(slurm, monkeypatch, name, what, fix):
    slurm.install(monkeypatch)
    finding = only(cluster(**{"default-resources": {"slurm_partition": name}}), "fail")
    assert finding.what == what
    assert fix in finding.fix


def test_partitions_of_single_rules_are_looked_at_too(slurm, monkeypatch):
    slurm.install(monkeypatch)
    findings = cluster(**{"set-resources": {"train": {"slurm_partition": "nope"}}})
    assert only(findings, "fail").what == "there is no nope"


def test_a_cluster_without_a_default_partition(slurm, monkeypatch):
    slurm.partitions = ["gpu|up|infinite"]
    slurm.install(monkeypatch)
    assert "no default partition" in only(cluster(), "fail").what
    named = cluster(**{"default-resources": {"slurm_partition": "gpu"}})
    assert {finding.level for finding in named} == {"pass"}


@pytest.mark.parametrize("by", ["sacct", None])
def test_without_slurmdbd_states_must_be_asked_by_squeue(slurm, monkeypatch, by):
    slurm.install(monkeypatch)
    finding = only(cluster(**{"slurm-status-command": by}), "fail")
    assert "wait for ever" in finding.what
    assert finding.fix == "set `slurm-status-command: squeue` in profile/config.yaml"


def test_with_slurmdbd_both_do_and_sacct_has_its_trap(slurm, monkeypatch):
    slurm.storage = "accounting_storage/slurmdbd"
    slurm.install(monkeypatch)
    findings = cluster(**{"slurm-status-command": "squeue", "slurm-no-account": False})
    assert {finding.level for finding in findings} == {"pass"}
    finding = only(cluster(**{"slurm-status-command": "sacct"}), "warn")
    assert "a job that somebody cancels" in finding.what
    assert "slurm-status-command: squeue" in finding.fix


def test_an_account_is_not_looked_for_where_there_is_none(slurm, monkeypatch):
    slurm.install(monkeypatch)
    finding = only(cluster(**{"slurm-no-account": False}), "warn")
    assert finding.fix == "set `slurm-no-account: true` in profile/config.yaml"


def test_a_controller_that_forgets_soon_is_a_warning(slurm, monkeypatch):
    slurm.age = 60
    slurm.install(monkeypatch)
    assert "forgets ended jobs after 60 s" in only(cluster(), "warn").what


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("30:00", 30), ("12:30:00", 750), ("7-00:00:00", 10080), ("1-12:00:00", 2160)],
)
def test_time_limits_are_read(text, minutes):
    assert minutes_of(text) == minutes
    assert minutes_of("infinite") == float("inf")


# -- the study's own jobs


def test_the_largest_job_of_each_sort_is_tried(slurm, monkeypatch, study_folder):
    slurm.install(monkeypatch)
    study_folder.edit(("gpus",), 1)
    planned = study_folder.plan()
    findings = list(check_jobs(profile(), planned))
    assert [(f.about, f.level) for f in findings] == [
        ("cpu request", "pass"), ("gpu request", "pass"),
    ]  # fmt: skip
    calls = slurm.asked()
    assert all(call.startswith("--test-only ") for call in calls)
    assert ["--gpus=1" in call for call in calls] == [False, True]
    needs = [planned.resources(key) for key in planned.nodes]
    most = max(one.mem_mb for one in needs if one.gpus)
    assert f"--mem={most} " in calls[1]


def test_a_refused_gpu_request_names_what_is_accepted(slurm, monkeypatch, study_folder):
    slurm.refused = ["--gpus=*"]
    slurm.install(monkeypatch)
    study_folder.edit(("gpus",), 2)
    finding = only(check_jobs(profile(), study_folder.plan()), "fail")
    assert finding.about == "gpu request"
    assert "Requested node configuration is not available" in finding.what
    assert '{gpu: 0, gres: "gpu:2"} is accepted' in finding.fix


def test_a_request_that_no_form_helps(slurm, monkeypatch, study_folder):
    slurm.refused = ["--mem=*"]
    slurm.install(monkeypatch)
    findings = list(check_jobs(profile(), study_folder.plan()))
    assert only(findings, "fail").fix.startswith("ask for less")


def test_a_job_longer_than_its_partition_allows(slurm, monkeypatch, study_folder):
    slurm.partitions = ["short*|up|5:00"]
    slurm.install(monkeypatch)
    finding = only(check_jobs(profile(), study_folder.plan()), "fail")
    assert finding.about == "time limit"
    assert "short allows 5" in finding.what
    assert "`execution: {minutes: 4}`" in finding.fix


def test_what_the_profile_sets_for_a_rule_is_asked_for(study_folder):
    own = {"sample": {"slurm_partition": "gpu", "gres": "gpu:1", "mem_mb": 7}}
    found = requests(profile(**{"set-resources": own}), study_folder.plan())
    (sample,) = [(r, m) for r, m in found.items() if "--partition=gpu" in r.options]
    assert (sample[0].gpus, sample[1].mem_mb, sample[1].rule) == ("--gres=gpu:1", 7, "sample")
    assert len(found) == 2


def test_resources_may_be_a_list_as_in_snakemake():
    read = profile(**{"default-resources": ["slurm_partition=gpu", "runtime=5"]})
    assert read.resources("train") == {"slurm_partition": "gpu", "runtime": "5"}
    with pytest.raises(UserError, match=r"config\.yaml: default-resources: must hold keys"):
        profile(**{"default-resources": 3})


def test_a_profile_that_is_not_there_is_a_sentence(capsys):
    assert main(["doctor", "--profile", "nowhere"]) == 2
    assert capsys.readouterr().err == (
        "w2s: --profile nowhere: there is no nowhere/config.yaml; give a profile's folder\n"
    )

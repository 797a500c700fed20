"""A stage's digest changes when something that it records has another name, and only then."""

import json
from dataclasses import replace

import pytest
import yaml

from w2s.artifacts.repro import NAMES, run_stage
from w2s.artifacts.stages import KEYS, PARAMETERS, STAGES, digests, nodes_of, write_plan
from w2s.errors import UserError
from w2s.plan.kinds import KINDS


def changed(study_folder, before: dict) -> set[str]:
    after = digests(study_folder.plan(scale="smoke"))
    return {stage for stage in before if before[stage] != after[stage]}


@pytest.fixture
def before(study_folder):
    return digests(study_folder.plan(scale="smoke"))


def test_every_kind_is_recorded_by_one_stage():
    assert sorted(kind for kinds in STAGES.values() for kind in kinds) == sorted(KINDS)


def test_every_node_is_recorded_once(study_folder):
    planned = study_folder.plan(scale="smoke")
    keys = [node.key for stage in STAGES for node in nodes_of(planned, stage)]
    assert sorted(keys) == sorted(planned.nodes)


def test_a_weight_changes_what_is_sampled_and_what_rests_on_it(study_folder, before):
    study_folder.edit(("guidance", "cfg", "weight"), 1.375)
    assert changed(study_folder, before) == {"samples", "scores", "tables"}


def test_a_rate_of_training_changes_networks_too(study_folder, before):
    study_folder.edit(("training", "lr"), 5e-3)
    assert changed(study_folder, before) == {"networks", "samples", "scores", "tables"}


def test_a_label_changes_the_tables_alone(study_folder, before):
    study_folder.edit(("tables", "guidance", "rows", "none", "label"), "not guided")
    assert changed(study_folder, before) == {"tables"}


def test_a_comment_or_a_device_changes_nothing(study_folder, before):
    for file in ("scales/mini/pictures.yaml", "params.yaml"):
        text = (study_folder.root / file).read_text()
        (study_folder.root / file).write_text("# A comment.\n" + text)
    study_folder.edit(("execution", "threads"), 2, "params.yaml")
    assert changed(study_folder, before) == set()


def test_a_raised_version_changes_what_is_of_that_kind(study_folder, before, monkeypatch):
    raised = replace(KINDS["metrics"], version=KINDS["metrics"].version + 1)
    monkeypatch.setitem(KINDS, "metrics", raised)
    assert changed(study_folder, before) == {"scores", "tables"}


def test_the_resolved_parameters_hold_what_the_files_leave_to_defaults(study_folder):
    study = study_folder.load(scale="smoke")
    write_plan(study, study_folder.plan(scale="smoke"))
    assert json.loads(KEYS.read_text()).keys() == {"tables", *STAGES}
    resolved = yaml.safe_load(PARAMETERS.read_text())
    assert resolved["scale"] == "smoke"
    own = yaml.safe_load((study_folder.root / "scales/smoke/pictures.yaml").read_text())
    assert "shift" not in own["sampling"]
    assert "shift" in resolved["pictures"]["sampling"]
    assert resolved["pictures"]["sampling"]["steps"] == own["sampling"]["steps"]


def test_an_unknown_stage_is_refused_with_those_there_are(study_folder):
    with pytest.raises(UserError, match=f"no stage sample; it has {', '.join(NAMES)}"):
        run_stage("sample", study_folder.load(scale="smoke"))


@pytest.mark.parametrize("watched", [[], ["mine"], ["mine/photos"]])
def test_a_data_folder_that_dvc_does_not_watch_is_refused(study_folder, watched):
    for name in ("cat", "dog"):
        (study_folder.root / "mine/photos" / name).mkdir(parents=True)
        (study_folder.root / "mine/photos" / name / "0.png").write_bytes(b"")
    stages = {"stages": {"plan": {"deps": ["params.yaml", *watched]}}}
    (study_folder.root / "dvc.yaml").write_text(yaml.safe_dump(stages))
    study = study_folder.load(scale="smoke", data="mine/photos")
    if watched:
        assert run_stage("plan", study) == 0
        assert KEYS.exists()
    else:
        with pytest.raises(UserError, match="add `- mine/photos` to the deps of stage plan"):
            run_stage("plan", study)
        assert not KEYS.exists()

"""`dvc repro` computes what is absent, records the present study, and says when nothing changed."""

import json

import pytest
import yaml
from repository import Repository
from run_folder import RunFolder


@pytest.fixture
def repository(recorded, tmp_path) -> Repository:
    copied = recorded.copy(tmp_path / "study").path
    return Repository(copied, copied / "src")


def test_a_finished_study_is_recorded_and_nothing_is_computed(recorded, finished):
    assert "Nothing to be done" in recorded.said
    assert recorded.said.count("files placed") == 4
    assert recorded.published() == finished.published()
    assert recorded.stored() == finished.stored()
    assert "up to date" in recorded.run("dvc", "status")
    locked = yaml.safe_load((recorded.path / "dvc.lock").read_text())["stages"]
    assert locked.keys() == {"plan", "tables", "data", "networks", "samples", "scores"}


def test_store_bundles_and_cache_share_every_byte(recorded):
    nodes = recorded.inodes("results/store")
    assert recorded.inodes("results/study") == nodes
    assert nodes <= recorded.inodes(".dvc/cache")


def test_again_all_is_up_to_date(repository):
    said = repository.run("dvc", "repro")
    assert "Data and pipelines are up to date" in said
    assert "Running stage" not in said


def test_a_comment_runs_the_plan_and_no_other_stage(repository):
    file = repository.path / "params.yaml"
    file.write_text(file.read_text() + "# A comment.\n")
    said = repository.run("dvc", "repro")
    assert "Running stage 'plan'" in said
    assert said.count("Running stage") == 1


def test_another_weight_is_sampled_and_the_old_nodes_stay_in_the_store(repository):
    before = repository.stored()
    repository.edit(("cfg: {method: cfg, weight: 2}", "cfg: {method: cfg, weight: 3}"))
    said = repository.run("dvc", "repro")
    stages = {name for name in ("plan", "tables", "data", "networks", "samples", "scores")
              if f"Running stage '{name}'" in said}  # fmt: skip
    assert stages == {"plan", "tables", "samples", "scores"}
    after = repository.stored()
    assert before.items() <= after.items()
    bundled = {
        f"{p.parent.name}/{p.name}" for p in (repository.path / "results/study/samples").glob("*/*")
    }
    assert bundled < {name for name in after if name.startswith(("segment/", "decoded/"))}
    metrics = json.loads((repository.path / "results/metrics/guidance.json").read_text())
    assert metrics["cfg"].keys() == {"fd", "accuracy", "forwards"}
    assert f"{metrics['cfg']['fd']:.5g}"[:6] in repository.run("dvc", "metrics", "show")
    assert "weight" in repository.run("dvc", "params", "diff")


def test_an_empty_folder_gives_the_same_bytes(recorded, tmp_path):
    empty = Repository.of(RunFolder.create(tmp_path / "empty"), tmp_path / "study")
    empty.run("dvc", "repro")
    assert empty.published() == recorded.published()
    assert empty.stored() == recorded.stored()


def test_a_bad_parameter_stops_at_the_plan_and_leaves_what_was_recorded(repository):
    keys = (repository.path / "results/keys.json").read_text()
    repository.edit(("weight: 2", "weigth: 2"))
    said = repository.run("dvc", "repro", status=255)
    assert "weigth" in said
    assert "Traceback" not in said
    assert (repository.path / "results/keys.json").read_text() == keys


def test_a_cell_of_its_own_rights_is_replaced(repository):
    """What DVC linked to its cache may not be written; to publish anew is possible all the same."""
    row = repository.path / "results/cells/guidance/cfg/fd.json"
    assert not row.stat().st_mode & 0o200
    repository.edit(("cfg: {method: cfg, weight: 2}", "cfg: {method: cfg, weight: 3}"))
    repository.snakemake("-n")
    assert row.stat().st_mode & 0o200

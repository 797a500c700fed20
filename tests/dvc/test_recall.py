"""What was recorded comes back instead of being computed: from bundles, the cache or a remote."""

import shutil
from pathlib import Path

import pytest
from repository import Repository

from w2s.artifacts.stages import STAGES
from w2s.files import digests


@pytest.fixture
def clone(recorded, tmp_path) -> Repository:
    """Another person's clone: no store, no cache."""
    recorded.run("git", "clone", "-q", str(recorded.path), str(tmp_path / "clone"))
    return Repository(tmp_path / "clone", tmp_path / "clone/src")


def large_files(top: Path) -> list[Path]:
    """Those of some size that are no lists of others."""
    files = (path for path in top.rglob("*") if path.is_file() and not path.suffix)
    return sorted(path for path in files if path.stat().st_size > 9000)


def test_after_a_pull_there_is_nothing_to_do_and_the_numbers_are_here(clone, recorded):
    clone.run("dvc", "pull")
    assert clone.jobs() == set()
    assert clone.published() == recorded.published()
    assert clone.stored() == recorded.stored()


def test_after_a_pull_another_weight_computes_what_depends_on_it(clone):
    clone.run("dvc", "pull")
    clone.edit(("cfg: {method: cfg, weight: 2}", "cfg: {method: cfg, weight: 3}"))
    done = {job.split()[0] for job in clone.jobs("guidance")}
    assert done == {"sample", "decode", "evaluate", "cells_guidance", "table", "guidance"}


def test_repro_fetches_instead_of_computing_and_leaves_the_record_alone(clone, recorded):
    locked = (clone.path / "dvc.lock").read_bytes()
    clone.run("dvc", "pull", "tables")
    said = clone.run("dvc", "repro")
    assert "of them recalled" in said
    assert "steps" not in said
    assert (clone.path / "dvc.lock").read_bytes() == locked
    assert clone.stored() == recorded.stored()


def test_a_forgotten_node_is_computed_and_not_recalled(clone):
    clone.run("dvc", "pull")
    clone.snakemake("-n")  # takes in what was pulled
    said = clone.w2s("recompute", "results/cells/guidance/cfg/fd.json")
    assert "segment" in said or "metrics" in said
    assert any(job.startswith("evaluate") for job in clone.jobs())


def test_a_damaged_object_is_named_and_fetched_anew(clone, recorded):
    clone.run("dvc", "pull")
    shutil.rmtree(clone.path / "results/study")
    md5 = digests(recorded.node("train", "base") / "log.csv")["md5"]
    damaged = clone.path / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    said = clone.w2s("stage", "networks")
    assert "was damaged and is removed from DVC's cache" in said
    kept = {name for name in recorded.stored() if name.split("/")[0] in STAGES["networks"]}
    assert clone.stored() == {name: recorded.stored()[name] for name in kept}


def test_a_truncated_remote_object_is_never_taken(clone, recorded, tmp_path):
    remote = tmp_path / "remote"
    shutil.copytree(recorded.path.parent / "remote", remote)
    clone.run("dvc", "remote", "modify", "--local", "shared", "url", str(remote))
    for path in large_files(remote):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-1])
    clone.run("dvc", "repro")  # computes what cannot be had
    assert clone.published() == recorded.published()
    assert clone.stored().keys() == recorded.stored().keys()
    assert "0 damaged" in clone.w2s("doctor", "--store")

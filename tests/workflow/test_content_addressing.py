"""A node runs if and only if its result is absent; a published file follows its key, not dates."""

import os
import random
import re
import shutil

from run_folder import ROOT, RunFolder

STRONGER = ("ag: {method: autoguidance, weak: early, weight: 2}",
            "ag: {method: autoguidance, weak: early, weight: 3}")  # fmt: skip
CELL = "results/cells/guidance/ag/fd.json"
GUIDANCE_CELLS = {f"cells_guidance {row}" for row in ("real", "none", "cfg", "ag", "sgg")}
CELLS = GUIDANCE_CELLS | {
    "cells_training none", "cells_training sgg", "cells_unconditional none",
}  # fmt: skip
TABLES = {f"table {name}" for name in ("guidance", "training", "unconditional")}


def test_a_second_run_does_nothing(study, published):
    assert study.jobs() == set()
    assert "Nothing to be done" in study.snakemake()
    assert study.published() == published


def test_a_finished_study_is_planned_without_its_nodes(study, tmp_path):
    fresh = RunFolder.create(tmp_path / "fresh")
    before, after = (
        set(re.findall(r'label = "(\w+)"', folder.snakemake("--rulegraph")))
        for folder in (fresh, study)
    )
    stages = {"render", "encode", "train", "extract", "sample", "decode", "evaluate"}
    assert stages <= before
    assert not stages & after
    assert "table" in before & after


def test_a_changed_weight_recomputes_one_row_and_its_reversion_nothing(study, published):
    study.edit(STRONGER)
    republished = {"cells_guidance ag", "table guidance"}
    assert study.jobs() == {"sample ag to 4", "decode ag", "evaluate ag"} | republished
    study.snakemake()
    assert study.jobs() == set()
    changed = {path for path, sha in study.published().items() if published[path] != sha}
    assert CELL in changed
    assert all("guidance" in path for path in changed)
    study.edit(STRONGER[::-1])
    assert study.jobs() == republished
    study.snakemake()
    assert study.published() == published


def test_a_changed_weight_of_a_shared_window_leaves_the_other_row_alone(study):
    study.edit(("cfg: {method: cfg, weight: 2}", "cfg: {method: cfg, weight: 3}"))
    assert study.jobs() == {
        "sample cfg to 4", "decode cfg", "evaluate cfg", "cells_guidance cfg", "table guidance",
    }  # fmt: skip


def test_a_changed_setting_of_a_metric_scores_anew_and_decodes_nothing(study):
    study.edit(("kid_subset_size: 6", "kid_subset_size: 5"))
    jobs = study.jobs()
    assert jobs >= CELLS | TABLES
    assert {job.split()[0] for job in jobs - CELLS - TABLES} == {"evaluate"}


def test_a_changed_learning_rate_retrains_but_encodes_nothing(study):
    study.edit(("lr: 1.0e-3", "lr: 2.0e-3"))
    jobs = study.jobs()
    stages = {job.split()[0] for job in jobs}
    assert stages == {
        "train", "extract", "sample", "decode", "evaluate", "table", "curves",
        "cells_guidance", "cells_training", "cells_unconditional",
    }  # fmt: skip
    assert {job for job in jobs if job.startswith("train")} == {
        "train trunk", "train base", "train sgg", "train uncond",
    }  # fmt: skip
    assert jobs >= CELLS | TABLES


def test_a_new_row_computes_itself_and_its_table(study):
    study.edit(("      sgg: {model: base", "      more: {model: sgg, guidance: cfg}\n"
                                            "      sgg: {model: base"))  # fmt: skip
    assert study.jobs() == {
        "sample more to 4", "decode more", "evaluate more", "cells_guidance more",
        "table guidance",
    }  # fmt: skip


def test_a_raised_kind_version_recomputes_that_kind_and_what_rests_on_it(study, tmp_path):
    kinds = _own_source(study, tmp_path) / "plan" / "kinds.py"
    old = '"w2s.metrics.evaluate:build",\n        version=2'
    assert old in kinds.read_text()
    kinds.write_text(kinds.read_text().replace(old, f"{old}00"))
    jobs = study.jobs()
    assert jobs >= CELLS | TABLES
    assert {job.split()[0] for job in jobs - CELLS - TABLES} == {"evaluate"}


def test_comments_in_the_source_recompute_nothing(study, tmp_path):
    for file in _own_source(study, tmp_path).rglob("*.py"):
        file.write_text(f"{file.read_text()}\n# a comment\n")
    assert study.jobs() == set()


def test_a_deleted_cell_is_published_again_from_the_store(study, published):
    (study.path / CELL).unlink()
    assert study.jobs() == {"cells_guidance ag"}
    study.snakemake()
    assert study.published() == published


def test_without_snakemakes_metadata_nothing_runs(study):
    shutil.rmtree(study.path / ".snakemake")
    assert study.jobs() == set()


def test_shuffled_file_times_run_nothing(study):
    dice = random.Random(0)
    for path in study.path.rglob("*"):
        time = dice.uniform(1e9, 2e9)
        os.utime(path, (time, time))
    assert study.jobs() == set()


def test_results_copied_alone_are_enough(study, tmp_path):
    elsewhere = RunFolder.create(tmp_path / "elsewhere")
    results = elsewhere.path / "results"
    shutil.copytree(study.path / "results", results, copy_function=shutil.copyfile)
    assert elsewhere.jobs() == set()


def test_published_files_need_no_store(study):
    shutil.rmtree(study.path / "results" / "store")
    assert study.jobs() == set()


def test_one_cell_as_target_needs_only_what_it_shows(fresh):
    assert fresh.jobs(CELL) == {
        "render images", "index", "vae VAE", "encode", "features", "reference",
        "train trunk", "train base", "extract base", "extract early",
        "sample none to 4", "sample ag to 4", "decode none", "decode ag", "evaluate none",
        "evaluate ag", "cells_guidance ag",
    }  # fmt: skip


def test_a_forgotten_cell_comes_out_the_same(study, published):
    said = study.w2s("recompute", CELL)
    assert f"snakemake {CELL}" in said
    assert not (study.path / CELL).exists()
    assert study.jobs(CELL) == {
        "sample ag to 4",
        "decode ag",
        "evaluate ag",
        "cells_guidance ag",
    }
    study.snakemake()
    assert study.published() == published


def _own_source(study: RunFolder, tmp_path):
    """Let this study run from a copy of the source; returns the package's folder."""
    study.source = tmp_path / "src"
    shutil.copytree(ROOT / "src", study.source, ignore=shutil.ignore_patterns("__pycache__"))
    return study.source / "w2s"

"""Tables and parts as targets of snakemake."""

import yaml
from run_folder import SMALL

TRAINING = {"table training", "cells_training none", "cells_training sgg"}
SWEEP = {
    "model": "base",
    "seeds": [7, 8],
    "per_seed": 12,
    "columns": ["fd", "accuracy"],
    "weights": {"cfg": [1.5, 3]},
}


def split(study) -> None:
    """Make a folder of the small study: its table `training` is a part of its own, with a sweep."""
    small = yaml.safe_load(SMALL.read_text())
    training = small["tables"].pop("training")
    own = small | {"tables": {"training": training}, "sweep": SWEEP}
    (study.path / "scales" / "smoke.yaml").unlink()
    (study.path / "scales" / "smoke").mkdir()
    for name, blocks in {"pictures": small, "own": own}.items():
        file = study.path / "scales" / "smoke" / f"{name}.yaml"
        file.write_text(yaml.safe_dump(blocks, sort_keys=False))


def publishing(jobs: set[str]) -> set[str]:
    """The jobs that write tables, cells and figures of a whole part."""
    return {job for job in jobs if job.startswith(("table", "cells_", "curves", "sweep"))}


def test_a_table_is_a_target_with_its_cells(fresh):
    jobs = fresh.jobs("training")
    assert publishing(jobs) == TRAINING
    assert "train sgg" in jobs
    assert "train uncond" not in jobs


def test_a_part_is_run_alone_and_publishes_under_its_name(study):
    split(study)
    assert publishing(study.jobs("all", "--config", "parts=pictures")) <= {"curves"}
    jobs = study.jobs("all", "weights", "--config", "parts=own")
    assert publishing(jobs) >= {"curves-own", "sweep-own"}
    assert not any("guidance" in job for job in jobs)
    assert {job for job in jobs if job.startswith("train ")} == set()  # trained for the file
    study.snakemake("all", "weights", "--config", "parts=own")
    published = study.published()
    for name in ("figures/training-curves-own.png", "tables/weights-own.csv"):
        assert f"results/{name}" in published
    assert "results/figures/weights-own-accuracy.png" in published
    assert "Nothing to be done" in study.snakemake("training", "--config", "parts=own")


def test_all_does_not_ask_for_the_sweep_of_a_part(fresh):
    split(fresh)
    assert {"curves", "curves-own"} <= publishing(fresh.jobs())
    assert "sweep-own" not in fresh.jobs()

"""A study of points by Snakemake: its tables and pictures, and what a kill or workers change."""

import csv
import json
import random
import time

import pytest
import yaml
from PIL import Image
from run_folder import RunFolder
from tiny_points import POINTS

KNOWN = POINTS | {"tables": {"known": POINTS["tables"]["known"]}}


def folder(path) -> RunFolder:
    run = RunFolder.create(path)
    (run.path / "scales" / "smoke.yaml").unlink()
    (run.path / "scales" / "smoke").mkdir()
    (run.path / "scales" / "smoke" / "toy.yaml").write_text(yaml.safe_dump(KNOWN, sort_keys=False))
    return run


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, warm_process) -> RunFolder:
    """A finished run and its sweep; not to be changed."""
    run = folder(tmp_path_factory.mktemp("points") / "study")
    run.snakemake("toy", "weights")
    return run


def rows(run: RunFolder, table: str) -> dict[str, dict]:
    lines = (run.path / f"results/tables/{table}.csv").read_text().splitlines()[2:]
    return {row["row"]: row for row in csv.DictReader(lines)}


def test_the_part_publishes_tables_cells_and_pictures(drawn):
    assert list(rows(drawn, "known")) == ["truth", "none", "cfg", "sgg"]
    caption = (drawn.path / "results/tables/known.md").read_text()
    for said in ("Scale: smoke.", "Off support: share of points", "2 noise seeds", "paired by"):
        assert said in caption
    cell = json.loads((drawn.path / "results/cells/known/cfg/energy.json").read_text())
    gaps = [a - b for a, b in zip(*(_per_seed(drawn, row) for row in ("cfg", "none")), strict=True)]
    assert cell["difference"]["value"] == pytest.approx(sum(gaps) / 2)
    assert cell["difference"]["paired_by"] == "noise seeds"
    assert rows(drawn, "known")["truth"]["energy_mark"] == ""
    for picture in ("known-samples", "known-schedules", "known/truth", "known/cfg"):
        Image.open(drawn.path / f"results/figures/{picture}.png").load()


def _per_seed(run: RunFolder, row: str) -> list[float]:
    cell = json.loads((run.path / f"results/cells/known/{row}/energy.json").read_text())
    (values,) = cell["per_seed"]
    return values


def test_the_sweep_names_a_weight_of_each_guidance(drawn):
    labels = [row["label"] for row in rows(drawn, "weights-known").values()]
    chosen = [label for label in labels if label.endswith("(chosen)")]
    assert [label.split(",")[1].strip() for label in chosen] == ["cfg", "sgg"]
    assert "lowest Energy" in (drawn.path / "results/tables/weights-known.md").read_text()


def test_a_number_can_be_walked_back_to_its_world(drawn):
    said = drawn.w2s("show", "results/cells/known/sgg/energy.json")
    for kind in ("judge", "segment", "weights", "points"):
        assert kind in said


def test_killed_and_run_on_by_two_workers_it_ends_with_the_same_bytes(drawn, tmp_path):
    run, dice = folder(tmp_path / "study"), random.Random(0)
    for _ in range(2):
        process = run.start("toy", "weights")
        while process.poll() is None and not _stored(run):
            time.sleep(0.1)
        time.sleep(4 * dice.random())
        run.kill()
        process.communicate()
    run.snakemake("toy", "weights", "--cores", "2")
    assert run.published() == drawn.published()
    assert "0 damaged" in run.w2s("doctor", "--store")


def _stored(run: RunFolder) -> list:
    return list((run.path / "results/store").glob("judge/*/manifest.json"))

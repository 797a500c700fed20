"""A study whose judges are not there yet, and then are, through Snakemake."""

import json

import pytest
import tiny_judges
import tiny_sd3
import torch
import yaml
from PIL import Image
from run_folder import RunFolder
from tiny_text import TEXT

TABLE = TEXT["tables"]["prompted"]
STUDY = TEXT | {
    "prompts": {"path": "prompts.txt"},
    "models": {"main": {"path": "sd35"}},
    "height": 16,
    "width": 24,
    "guidance": {"cfg": TEXT["guidance"]["cfg"]},
    "scores": {
        "hps": {"weights": "judges/HPS.pt", "architecture": "judges/tiny.json"},
        "clip": {"model": "judges/clip"},
        "aesthetic": {"weights": "judges/head.pth", "clip": "judges/tower"},
    },
    "metrics": {"metrics": ["fd_dinov2"], "prc_neighbourhood": 1},
    "dinov2": {"path": "judges/dinov2.pth", "width": 64, "depth": 2},
    "reference": {"kind": "folder", "path": "photos", "resolution": 16},
    "tables": {
        "prompted": TABLE
        | {"columns": ["hps", "clip", "aesthetic", "fd_dinov2", "forwards"]}
        | {"rows": {row: TABLE["rows"][row] for row in ("none", "cfg")}}
    },
}
ROWS = ("none", "cfg")
NETWORK = "dinov2, width 64, 2 blocks"


def cell(run: RunFolder, row: str, column: str) -> dict:
    return json.loads((run.path / f"results/cells/prompted/{row}/{column}.json").read_text())


@pytest.fixture(scope="module")
def waiting(tmp_path_factory, warm_process) -> RunFolder:
    """A finished run without any file of a score; not to be changed."""
    run = RunFolder.create(tmp_path_factory.mktemp("waiting") / "study")
    (run.path / "scales" / "smoke.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    (run.path / "prompts.txt").write_text("a small red star\na large blue ring\n")
    tiny_sd3.save(run.path / "sd35", "sd3.5", t5=True)
    (run.path / "photos").mkdir()
    for i, colour in enumerate(("red", "green", "blue")):
        Image.new("RGB", (20, 20), colour).save(run.path / "photos" / f"{i}.png")
    run.snakemake()
    return run


@pytest.fixture
def again(waiting, tmp_path) -> RunFolder:
    """The same, free to be changed."""
    run = waiting.copy(tmp_path / "study")
    (run.path / "judges").mkdir()
    return run


def test_without_any_file_everything_else_comes_out(waiting):
    said = {"hps": "judges/HPS.pt, judges/tiny.json", "clip": "judges/clip"}
    said["aesthetic"] = "judges/head.pth, judges/tower"
    said["fd_dinov2"] = "judges/dinov2.pth"
    for row in ROWS:
        for column, paths in said.items():
            assert cell(waiting, row, column)["unavailable"] == f"not available: {paths}"
        assert (waiting.path / f"results/figures/prompted/{row}.png").exists()
    for end in ("csv", "md", "tex"):
        table = (waiting.path / f"results/tables/prompted.{end}").read_text()
        assert table.count("not available: judges/clip") == 2
        assert table.count("not available: judges/dinov2.pth") == 2
    assert (waiting.path / "results/figures/prompted-samples.png").exists()
    assert not (waiting.path / "results/store/score").exists()
    assert "decoded " in waiting.w2s("show", "results/cells/prompted/cfg/hps.json")
    assert "Nothing to be done" in waiting.snakemake()


def test_a_file_that_comes_fills_its_column_and_nothing_else_is_computed(again):
    tiny_judges.hps(again.path / "judges")
    tiny_judges.dinov2(again.path / "judges/dinov2.pth")
    tiny_judges.head(again.path / "judges/head.pth")
    tiny_judges.clip(again.path / "judges/tower")
    published = {"cells_prompted none", "cells_prompted cfg", "table prompted"}
    scored = {f"convert for {name}" for name in ("hps", "aesthetic")}
    scored |= {f"score {row}, {name}" for row in ROWS for name in ("hps", "aesthetic")}
    compared = {"features", "index", "reference", *(f"evaluate {row}, dinov2" for row in ROWS)}
    assert again.jobs() == scored | compared | published
    before = {path: path.stat().st_mtime_ns for path in (again.path / "results").rglob("*.npy")}
    again.snakemake()
    assert before == {path: path.stat().st_mtime_ns for path in before}
    for row in ROWS:
        for filled in (cell(again, row, name) for name in ("hps", "aesthetic")):
            assert "unavailable" not in filled
            assert len(filled["per_prompt"]) == 2
        assert cell(again, row, "clip")["unavailable"] == "not available: judges/clip"
        distance = cell(again, row, "fd_dinov2")
        assert distance["value"] > 0
        assert (distance["extractor"], distance["reference_images"]) == (NETWORK, 3)
    assert cell(again, "cfg", "hps")["difference"]["paired_by"] == "prompts"
    table = (again.path / "results/tables/prompted.md").read_text()
    assert "antialias: yes; architecture tiny.json, weights HPS.pt." in table
    assert "Nothing to be done" in again.snakemake()


def test_a_file_of_another_format_is_refused_by_name(again):
    tiny_judges.hps(again.path / "judges")
    torch.save({"layer.weight": torch.zeros(2)}, again.path / "judges/HPS.pt")
    again.snakemake(status=1)
    logs = [path.read_text() for path in (again.path / "results/logs/score").glob("*.log")]
    for log in logs:
        *_, said = log.splitlines()
        assert "HPS.safetensors does not hold an OpenCLIP" in said
        assert "Traceback" not in log
    assert logs
    assert cell(again, "cfg", "hps")["unavailable"]  # what was published stays

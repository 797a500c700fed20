"""What DVC records of published files: those of the study, and numbers by row and column."""

import json
from pathlib import Path

from w2s.artifacts.tables import METRICS, tidy, write_metrics
from w2s.plan.published import Group


def write(path: str, content: str = "") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content)
    return path


def test_files_of_an_earlier_study_leave(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = [write("results/cells/a/one/fd.json"), write("results/tables/a.csv")]
    write("results/cells/a/two/fd.json")
    write("results/figures/b.png")
    write("results/logs/render/x.log")
    gone = tidy(set(kept))
    assert gone == ["results/cells/a/two/fd.json", "results/figures/b.png"]
    assert all(Path(path).exists() for path in [*kept, "results/logs/render/x.log"])
    assert not Path("results/cells/a/two").exists()


def test_numbers_have_no_keys_and_missing_ones_are_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cell = {"w2s-key": "0" * 16, "nodes": [["metrics", "1" * 16]], "interval": [1, 2]}
    values = {"fd": 1.5, "accuracy": None}
    paths = [
        write(f"results/cells/a/one/{c}.json", json.dumps(cell | {"column": c, "value": v}))
        for c, v in values.items()
    ]
    write(str(METRICS / "earlier.json"), "{}")
    figure = "results/figures/a/one.png"
    write_metrics([Group("cells/a/one", (*paths, figure), (), {}), Group("table/a", (), (), {})])
    assert json.loads((METRICS / "a.json").read_text()) == {"one": {"fd": 1.5}}
    assert [path.name for path in METRICS.iterdir()] == ["a.json"]

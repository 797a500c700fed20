"""`w2s adopt`: what the search chose reaches the scale's file, and nothing else of it changes."""

import datetime
import json
from pathlib import Path

import pytest
import yaml
from run_folder import SMALL
from tuned_study import CONFIRM, TUNE, finish, surface, write_round

from w2s.cli import main
from w2s.params.load import load_study
from w2s.plan.study import plan_confirm
from w2s.run.adopt import key_of
from w2s.run.scale_text import replaced
from w2s.store.searches import planned_search, searches

FILE = Path("scales/smoke.yaml")
RECORD = Path("scales/smoke.adopted.json")


@pytest.fixture
def load(tmp_path, monkeypatch):
    """The small study with its comments, and a search and a confirmation below."""
    monkeypatch.chdir(tmp_path)
    FILE.parent.mkdir()
    blocks = yaml.safe_dump({"tune": TUNE, "confirm": CONFIRM}, sort_keys=False)
    text = SMALL.read_text().replace("cfg: {method: cfg, weight: 2}", "&", 1)
    text = text.replace("&", "cfg: {method: cfg, weight: 2}  # as most do", 1)
    labelled = text.replace("cfg: {model: base, g", 'cfg: {label: "w = 2", model: base, g', 1)
    FILE.write_text(labelled + "\n" + blocks)
    Path("params.yaml").write_text("scale: smoke\n")
    return lambda: load_study(Path("params.yaml"))


def test_the_file_changes_only_where_the_values_stand(load, capsys):
    finish(load())
    expected = FILE.read_text()
    (weight,) = searches(load())["pictures"].chosen("cfg", "lower")
    for old, new in {
        "weight: 2}  # as most do": f"weight: {weight:g}}}  # as most do",
        "[0.5, 1], method: cfg, weight: 2}": "[0.75, 1], method: cfg, weight: 1.875}",
        "{window: [0, 0.5], method: auto": "{window: [0, 0.75], method: auto",
    }.items():
        assert old in expected
        expected = expected.replace(old, new)
    assert main(["adopt"]) == 0
    assert FILE.read_text() == expected
    said = capsys.readouterr().out
    assert f"guidance.cfg.weight: 2.0 -> {weight}" in said
    assert "tables.guidance.rows.cfg: see to its label, 'w = 2'" in said
    assert "cfg: nothing was tried on one side of weight" in said


def test_the_day_and_the_nodes_stand_beside_it(load):
    finish(load())
    planned = planned_search(load())
    assert main(["adopt"]) == 0
    record = json.loads(RECORD.read_text())
    assert record["date"] == datetime.date.today().isoformat()
    cfg = record["methods"]["cfg"]
    point = searches(load())["pictures"].chosen("cfg", "lower")
    assert cfg["values"] == {"weight": point[0]}
    assert (cfg["value"], cfg["evaluations"]) == (surface("cfg", point), 5)
    ((kind, key),) = cfg["nodes"]
    assert kind == planned.nodes[key].kind == "metrics"
    assert planned.nodes[key].label.endswith("cfg.05")


def test_what_is_adopted_leaves_the_search_as_it_is_and_again_changes_nothing(load):
    finish(load())
    main(["adopt"])
    text = FILE.read_text()
    assert not searches(load())["pictures"].unfinished
    assert main(["adopt"]) == 0
    assert FILE.read_text() == text


def test_the_confirmation_says_how_many_evaluations_stand_behind_its_values(load):
    finish(load())
    main(["adopt"])

    def title():
        return plan_confirm(load()).groups["table/confirm"].facts["table"]["title"]

    assert "chosen by a search with 5 evaluations of each method (" in title()
    FILE.write_text(FILE.read_text().replace("1.875", "4"))
    assert title().endswith("), but not those of sgg")
    sgg = plan_confirm(load()).groups["cells/confirm/sgg"].facts["row"]["label"]
    assert sgg == "sgg: upper 4, switch 0.75"


def test_nothing_is_adopted_before_the_search_is_finished(load, capsys):
    write_round(load())
    before = FILE.read_text()
    assert main(["adopt"]) == 2
    assert (
        "is not finished: 6 of 10 evaluations are there; run `w2s tune`" in capsys.readouterr().err
    )
    assert FILE.read_text() == before
    assert not RECORD.exists()


def test_a_value_that_another_file_holds_is_not_adopted(load, capsys):
    FILE.rename("scales/mini.yaml")
    FILE.write_text("base: mini\nguidance: {cfg: {weight: 2}}\n")
    finish(load())
    assert main(["adopt"]) == 2
    said = capsys.readouterr().err
    assert "scales/smoke.yaml: guidance.sgg is not written there; write the entry out" in said
    assert FILE.read_text() == "base: mini\nguidance: {cfg: {weight: 2}}\n"


def test_a_record_that_cannot_be_read_is_refused_with_its_name(load, capsys):
    RECORD.write_text("{")
    assert main(["plan"]) == 2
    assert "scales/smoke.adopted.json: cannot be read" in capsys.readouterr().err


def test_what_mini_tunes_can_be_adopted():
    """Every tuned place is written in the scale's own file."""
    home = SMALL.parents[2]
    for name in ("pictures", "text"):
        part = load_study(home / "params.yaml", {"scale": "mini"}).part(name)
        tune, file = part.params.tune, home / f"scales/mini/{name}.yaml"
        values = {
            key_of(method, at): free.ends[-1]
            for method, frees in tune.methods.items()
            for free in frees.values()
            for at in free.at
        }
        replaced(file.read_text(), values)

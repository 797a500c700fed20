"""The rounds of a search as plans: what each tries, what it rests on, and when it counts."""

import json
from pathlib import Path

import pytest
import yaml
from run_folder import SMALL
from tuned_study import CONFIRM, TUNE, finish, surface, write_round

from w2s.errors import UserError
from w2s.params.load import load_study
from w2s.plan.study import plan, plan_confirm
from w2s.plan.tune import replayed
from w2s.run.overview import overview
from w2s.run.start import start
from w2s.store.searches import planned_search, searches

ROUND = Path("results/tune/pictures/round-01.json")


def load(root, **blocks):
    """The small study with a search, and other blocks over its own."""
    small = yaml.safe_load(SMALL.read_text()) | {"tune": TUNE, "confirm": CONFIRM} | blocks
    (root / "scales").mkdir(exist_ok=True)
    (root / "scales" / "smoke.yaml").write_text(yaml.safe_dump(small, sort_keys=False))
    (root / "params.yaml").write_text("scale: smoke\n")
    return load_study(root / "params.yaml")


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return load(tmp_path)


def test_the_first_round_has_a_row_for_every_first_point_on_seeds_of_its_own(study):
    planned = planned_search(study)
    assert list(planned.groups) == ["tune/pictures/1"]
    facts = planned.groups["tune/pictures/1"].facts
    assert facts["asked"]["cfg"] == [["cfg.01", (1.5,)], ["cfg.02", (1.875,)], ["cfg.03", (1.2,)]]
    for one in planned.sets.values():
        assert one.drawing.start["seeds"] == [50, 51]
    new = [node.kind for key, node in planned.nodes.items() if key not in plan(study).nodes]
    assert set(new) == {"segment", "decoded", "metrics"}


def test_a_switch_point_moves_both_windows(study):
    while write_round(study):
        rows = planned_search(study).groups["tune/pictures/1"].facts["rows"]
        assert len(rows) == 6
    found = {name: one for name, one in planned_search(study).groups.items() if "tuned" in name}
    (group,) = found.values()
    for row in group.facts["rows"]:
        if row["name"].startswith("sgg"):
            upper, lower = row["guidance"]
            assert upper["window"][0] == lower["window"][1]
            assert f"switch {upper['window'][0]:g}" in row["label"]


def test_the_next_round_follows_from_the_values_of_the_last(study):
    write_round(study)
    search = searches(study)["pictures"]
    assert (len(search.rounds), search.unfinished) == (2, True)
    assert search.rounds[1]["cfg"] == [(2.344,)]  # 1.875 was better than 1.5: on to the same side


def test_every_method_has_as_many_evaluations_when_the_search_is_finished(study):
    finish(study)
    search = searches(study)["pictures"]
    assert not search.unfinished
    assert {method: len(tried) for method, tried in search.tried.items()} == {"cfg": 5, "sgg": 5}
    group = planned_search(study).groups["tuned/pictures"]
    assert group.facts["chosen"]["cfg"]["best"] == "cfg.05"
    assert group.facts["chosen"]["cfg"]["open"] == ["weight"]
    best = min(search.tried["cfg"], key=lambda point: surface("cfg", point))
    assert search.chosen("cfg", "lower") == best
    assert "results/figures/tune-accuracy.png" in group.paths


def test_where_more_is_better_the_highest_is_chosen(tmp_path, study):
    study = load(tmp_path, tune=TUNE | {"by": "accuracy"})
    finish(study, values=lambda *asked: -surface(*asked))
    search = searches(study)["pictures"]
    assert search.chosen("cfg", "higher") == max(search.tried["cfg"])


def test_a_search_that_is_cut_off_after_any_round_ends_the_same(study):
    count = finish(study)
    whole = searches(study)["pictures"]
    files = sorted(ROUND.parent.iterdir())
    for kept in range(count):
        for file in files[kept:]:
            file.unlink()
        assert searches(study)["pictures"].rounds == whole.rounds[: kept + 1]
        finish(study)
        assert searches(study)["pictures"].tried == whole.tried


@pytest.mark.parametrize("text", ["", "{", "[]", '{"methods": {"cfg": [{}]}}'])
def test_a_round_that_is_not_whole_does_not_count(study, text):
    finish(study)
    ROUND.write_text(text)
    assert searches(study)["pictures"].rounds == [planned_first(study)]


def planned_first(study):
    return replayed(study.part().params.tune, []).rounds[0]


def test_rounds_of_other_networks_or_starts_do_not_count(tmp_path, study):
    finish(study)
    longer = yaml.safe_load(SMALL.read_text())["training"]
    longer["recipes"]["base"]["steps"] = 16
    assert len(searches(load(tmp_path, training=longer))["pictures"].tried["cfg"]) == 0
    other = {"cfg": {"weight": TUNE["methods"]["cfg"]["weight"] | {"start": 1.6}}}
    changed = load(tmp_path, tune=TUNE | {"methods": TUNE["methods"] | other})
    assert searches(changed)["pictures"].rounds[0]["cfg"][0] == (1.6,)
    assert not searches(load(tmp_path))["pictures"].unfinished


def test_what_the_entry_holds_in_the_tuned_places_does_not_matter(tmp_path, study):
    finish(study)
    before = planned_search(study).groups["tuned/pictures"].key
    small = yaml.safe_load(SMALL.read_text())["guidance"]
    adopted = load(tmp_path, guidance=small | {"cfg": {"method": "cfg", "weight": 9}})
    assert planned_search(adopted).groups["tuned/pictures"].key == before


def test_all_asks_for_neither_search_nor_confirmation(study):
    started = start(Path("params.yaml"), {})
    assert started.tune == ("tune/pictures/1",)
    assert {"table/confirm", "cells/confirm/sgg"} <= set(started.confirm)
    assert not plan(study).groups.keys() & {*started.tune, *started.confirm}
    assert started.columns["confirm"] == ("fd", "accuracy", "forwards")


def test_the_confirmation_has_the_rows_of_the_entries_on_its_seeds(study):
    planned = plan_confirm(study)
    assert {seeds for _, seeds in rows_of(planned)} == {tuple(range(60, 70))}
    assert {row for row, _ in rows_of(planned)} == {"none", "cfg", "sgg"}
    title = planned.groups["table/confirm"].facts["table"]["title"]
    assert title.endswith("No value was chosen by the search")
    assert planned.groups["cells/confirm/sgg"].facts["row"]["label"] == "sgg: upper 2, switch 0.5"
    assert not [name for name in planned.groups if name.startswith("figure/")]


def rows_of(planned):
    return {(row, tuple(one.drawing.start["seeds"])) for (_, row, _), one in planned.sets.items()}


def test_networks_trained_afresh_have_a_table_of_their_own(tmp_path, study):
    planned = plan_confirm(load(tmp_path, confirm=CONFIRM | {"training_seeds": [0, 1]}))
    facts = planned.groups["table/confirm-retrained"].facts
    assert facts["table"]["training_seeds"] == [0, 1]
    assert len(facts["rows"][0]["measured"]) == 2
    assert planned.groups["table/confirm"].facts["table"]["training_seeds"] == [0]


def test_the_overview_prices_the_search_and_the_confirmation_apart(study):
    shown = overview(study, nodes=False)
    assert "`w2s tune` would try 10 combinations of values, 5 of each method" in shown
    assert "`snakemake confirm` would add" in shown
    write_round(study)
    assert "`w2s tune` would try 4 combinations" in overview(study, nodes=False)
    finish(study)
    assert "`w2s tune` is done: 10 evaluations" in overview(study, nodes=False)


def test_a_claim_over_the_confirmation_is_on_a_page_of_its_own(tmp_path, study):
    said = {"sentence": "SGG helps", "source": "a paper", "setting": "tuned alike"}
    fresh = said | {"row": "confirm/sgg", "against": "confirm/cfg", "column": "fd"}
    own = said | {"row": "guidance/sgg", "against": "guidance/cfg", "column": "fd"}
    claims = {"fresh": fresh | {"direction": "lower"}, "own": own | {"direction": "lower"}}
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "smoke.yaml").write_text(yaml.safe_dump({"claims": claims}))
    study = load(tmp_path)
    group = plan_confirm(study).groups["claims-confirm"]
    assert group.paths == ("results/claims-confirm.json", "results/claims-confirm.md")
    for planned, name in ((plan_confirm(study), "claims-confirm"), (plan(study), "claims")):
        (family,) = planned.groups[name].facts["families"]
        assert [c["name"] for c in family["claims"]] == [{"claims": "own"}.get(name, "fresh")]
    assert set(group.needs) <= plan_confirm(study).nodes.keys()
    json.dumps(group.facts)


def test_a_claim_over_both_is_refused(tmp_path, study):
    said = {"sentence": "SGG helps", "source": "a paper", "setting": "s", "direction": "lower"}
    both = said | {"row": "confirm/sgg", "against": "guidance/cfg", "column": "fd"}
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "smoke.yaml").write_text(yaml.safe_dump({"claims": {"both": both}}))
    with pytest.raises(UserError, match=r"claims\.both\.against: one row is of a table that con"):
        load(tmp_path)

"""Searches and confirmations that would be unfair, or could not run, are refused."""

import re

import pytest
from tiny_study import DELETE

from w2s.errors import UserError

MINI = "scales/mini/pictures.yaml"
WEIGHT = {"at": "weight", "start": 2, "factor": 1.5, "within": [1, 10]}


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("tune", "model"), "bass", "tune.model: there is no recipe or weak model named 'bass'"),
        (("tune", "seeds"), [0, 1], "tune.seeds: seed 0 is one of sampling.seeds; take others"),
        (("tune", "seeds"), [100, 9], "tune.seeds: seed 100 is one of sweep.seeds; take others"),
        (("tune", "seeds"), [9], "tune.seeds: must have at least 2 entries"),
        (("tune", "evaluations"), 2, "tune.evaluations: must be at least 3, not 2"),
        (("tune", "columns"), ["recall"], "tune.columns: must hold fd, which decides"),
        (("tune", "by"), "forwards", "tune.by: forwards has no better side"),
        (("tune", "columns"), ["fd", "isc"], "isc is not among metrics.metrics"),
        (("tune", "per_seed"), 50, "must be below tune.per_seed (50)"),
        (("tune", "methods"), {"cgf": {"weight": WEIGHT}}, "no entry under guidance named 'cgf'"),
        (("tune", "methods", "cfg"), {}, "tune.methods.cfg: must have at least 1 entry"),
    ],
)
def test_a_search_that_cannot_be_is_refused_with_its_key(study_folder, path, value, sentence):
    study_folder.edit(path, value)
    with pytest.raises(UserError, match=re.escape(sentence)):
        study_folder.load(scale="mini")


@pytest.mark.parametrize(
    ("free", "sentence"),
    [
        ({"at": "wieght"}, "tune.methods.cfg.w.at: guidance.cfg has no wieght; name what it has"),
        ({"at": "1.weight"}, "guidance.cfg has no 1.weight"),
        ({"at": "0"}, "guidance.cfg has no 0"),
        ({"factor": 1}, "tune.methods.cfg.w.factor: must be above 1.0, not 1"),
        ({"step": 0.1}, "tune.methods.cfg.w: give either step or factor"),
        ({"factor": DELETE}, "tune.methods.cfg.w: give either step or factor"),
        ({"start": 11}, "within must be [least, most] with start between them"),
        ({"within": [0, 10]}, "factor moves numbers above 0 alone; raise within, or take step"),
        ({"within": [1, 200]}, "with w 200.0 it would be no guidance: must be at most 100"),
        ({"at": "window.0", "start": 2, "within": [0.1, 2]}, "must be [lo, hi] with 0 <= lo < hi"),
        ({"at": ["weight", "weight"]}, "weight is moved by another free value too; name it once"),
    ],
)
def test_a_free_number_that_cannot_be_is_refused_with_its_key(study_folder, free, sentence):
    value = {k: v for k, v in (WEIGHT | free).items() if v is not DELETE}
    study_folder.edit(("tune", "methods"), {"cfg": {"w": value}})
    with pytest.raises(UserError, match=re.escape(sentence)):
        study_folder.load(scale="mini")


@pytest.mark.parametrize(
    ("among", "sentence"),
    [
        (["early", "earl"], "there is no weak network named 'earl'; did you mean 'early'?"),
        (["early", 3], "would be no guidance: must be text, not 3"),
        (["early"], "tune.methods.ag.weak.among: must have at least 2 entries"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_with_its_key(study_folder, among, sentence):
    study_folder.edit(("tune", "methods", "ag", "weak", "among"), among)
    with pytest.raises(UserError, match=re.escape(sentence)):
        study_folder.load(scale="mini")


def test_a_method_with_choices_alone_is_refused(study_folder):
    study_folder.edit(("tune", "methods", "ag", "weight"), DELETE)
    with pytest.raises(UserError, match=r"tune\.methods\.ag: no number is free"):
        study_folder.load(scale="mini")


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("seeds",), [*range(291, 300), 201], "seed 201 is one of tune.seeds, which the search"),
        (("seeds",), [*range(291, 300), 101], "seed 101 is one of sweep.seeds, used already"),
        (("seeds",), [*range(291, 300), 2], "seed 2 is one of sampling.seeds, used already"),
        (("seeds",), [*range(291, 300)], "confirm.seeds: must have at least 10 entries"),
        (("training_seeds",), [0], "confirm.training_seeds: must be at least two, or none"),
        (("training_seeds",), [1, 1], "seed 1 is there twice"),
    ],
)
def test_seeds_that_would_confirm_nothing_are_refused(study_folder, path, value, sentence):
    study_folder.edit(("confirm", *path), value)
    with pytest.raises(UserError, match=re.escape(sentence)):
        study_folder.load(scale="mini")


def test_nothing_is_confirmed_without_a_search(study_folder):
    study_folder.edit(("tune",), DELETE)
    with pytest.raises(UserError, match="confirm: there is nothing to confirm without a block"):
        study_folder.load(scale="mini")


def test_every_method_that_is_swept_is_tuned_and_every_weak_network_tried(study_folder):
    params = study_folder.part(scale="mini").params
    assert {"ag-early", "ag-small"} == params.sweep.weights.keys() - params.tune.methods.keys()
    sighted = {name for name, weak in params.weak.items() if "uncond" not in weak.recipe}
    for method, place in (("ag", "weak"), ("sgg", "1.weak"), ("sgg-reversed", "0.weak")):
        among = params.tune.methods[method]["weak"]
        assert (among.at, set(among.among)) == ((place,), sighted)


def test_a_table_may_not_have_the_name_of_the_confirmation(study_folder):
    table = {"title": "t", "columns": ["fd"], "baseline": "a", "rows": {"a": {"model": "base"}}}
    study_folder.edit(("tables", "confirm"), table)
    with pytest.raises(UserError, match="`snakemake confirm` stands for something else"):
        study_folder.load(scale="mini")

"""The sweep of weights: a study beside the study, planned but not part of it."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from w2s.errors import UserError
from w2s.guidance.registry import METHODS
from w2s.params.load import load_study
from w2s.plan.study import plan, plan_sweep
from w2s.plan.sweep import swept
from w2s.run.overview import overview
from w2s.run.start import start
from w2s.store.lineage import group_of

ROOT = Path(__file__).parents[2]
FILE = ROOT / "params.yaml"


@pytest.fixture(scope="module")
def study():
    return load_study(FILE, {"scale": "smoke", "parts": "pictures"})


@pytest.fixture(scope="module")
def sweep(study):
    return plan_sweep(study)


@pytest.fixture
def edited(tmp_path):
    """A smoke study with lines laid over it, in a folder of its own."""

    def load(text):
        shutil.copytree(ROOT / "scales", tmp_path / "scales")
        shutil.rmtree(tmp_path / "scales/paper")
        (tmp_path / "scales/paper.yaml").write_text(f"base: smoke\n{text}")
        (tmp_path / "params.yaml").write_text("scale: paper\n")
        return load_study(tmp_path / "params.yaml")

    return load


def test_every_method_is_swept_and_stands_in_the_guidance_table():
    params = load_study(FILE, {"scale": "mini"}).part().params
    swept_names = {w.method for name in params.sweep.weights for w in params.guidance[name]}
    assert swept_names == METHODS.keys()
    shown = {row.guidance for row in params.tables["guidance"].rows.values()} - {None}
    assert {w.method for name in shown for w in params.guidance[name]} == METHODS.keys()


def test_an_entry_left_to_its_method_is_swept_as_the_method_says():
    params = load_study(FILE, {"scale": "mini"}).part().params
    tried = params.sweep.tried(params.guidance)
    for name in ("cfg", "apg", "mambo-g", "s2", "sgg"):
        assert params.sweep.weights[name] == "default"
        assert tried[name] == METHODS[params.guidance[name][0].method].sweep
    assert tried["cfg-interval"] == params.sweep.weights["cfg-interval"] == (1.5, 2, 2.5, 3, 4)


def test_every_weight_that_was_not_swept_has_its_reason_in_the_file():
    params = load_study(FILE, {"scale": "mini"}).part().params
    others = params.guidance.keys() - params.sweep.weights.keys()
    beside = {"ag", "cfg-2", "cfg-3", "cfg-linear", "sgg-early", "sgg-reversed", "uncond-ag-early"}
    assert others == beside


def test_a_row_per_weight_on_seeds_of_its_own(study, sweep):
    params = study.part().params
    tried = params.sweep.tried(params.guidance)
    assert len(sweep.sets) == 1 + sum(len(weights) for weights in tried.values())
    for one in sweep.sets.values():
        assert one.drawing.start["seeds"] == [100, 101]
        assert one.drawing.start["per_seed"] == 30
    assert not set(params.sampling.seeds) & set(params.sweep.seeds)


def test_a_weight_holds_in_every_window(study):
    part = study.part()
    windows = swept(part).params.guidance["sgg=3"]
    assert [(w.method, w.weight) for w in windows] == [("cfg", 3.0), ("autoguidance", 3.0)]
    assert [w.window for w in windows] == [w.window for w in part.params.guidance["sgg"]]


def test_the_networks_are_those_of_the_study(study, sweep):
    tables = plan(study)
    new = [node for key, node in sweep.nodes.items() if key not in tables.nodes]
    assert {node.kind for node in new} == {"segment", "decoded", "metrics"}
    assert {"train", "vae"} <= {n.kind for n in sweep.nodes.values()}


def test_all_does_not_ask_for_the_sweep(study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    started = start(FILE, {"scale": "smoke", "parts": "pictures"})
    assert started.sweep == ("sweep/weights",)
    assert "sweep/weights" not in plan(study).groups
    assert set(started.groups["sweep/weights"].needs) <= started.nodes.keys()
    joined = plan(study).joined(plan_sweep(study))
    assert group_of(joined, Path("results/figures/weights-recall.png")).name == "sweep/weights"


def test_the_overview_says_apart_what_the_sweep_would_add(study, sweep, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = overview(study, nodes=False)
    own = sweep.nodes.keys() - plan(study).nodes.keys()
    assert re.search(rf"`snakemake weights` would add {len(own)} nodes: [\d.e+]+ forwards", shown)
    assert f"{len(plan(study).nodes)} nodes" in shown
    part = study.part()
    without = replace(part, params=part.params.model_copy(update={"sweep": None}))
    without = replace(study, parts=(without,))
    assert "weights` would" not in overview(without, nodes=False)
    assert plan_sweep(without).nodes == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sweep: {weights: {cfg: [2, 3]}}", "every entry must try as many weights"),
        ("sweep: {weights: {cgf: [1, 2, 3, 4, 5]}}", "no entry under guidance named 'cgf'"),
        ("sweep: {weights: {cfg: often}}", "sweep.weights.cfg: must be 'default', not 'often'"),
        ("guidance: {void: []}\nsweep: {weights: {void: default}}", "no window, so no weight"),
        ("sweep: {weights: {cfg-linear: [1, 2, 3, 4, 5]}}", "is a schedule"),
        ("sweep: {seeds: [100, 1]}", "seed 1 is one of sampling.seeds"),
        ("sweep: {seeds: [100]}", "at least 2"),
        ("sweep: {columns: [recall]}", "must hold fd"),
        ("sweep: {columns: [fd, isc]}", "isc is not among metrics.metrics"),
        ("sweep: {model: bass}", "did you mean 'base'"),
        ("sweep: {per_seed: 9}", "must be below sweep.per_seed"),
        (
            "tables: {weights: {title: t, columns: [fd], baseline: a, rows: {a: {model: base}}}}",
            "`snakemake weights` stands for something else",
        ),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_in_a_sentence(edited, text, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)):
        edited(text)


def test_an_argument_that_the_method_does_not_use_is_refused_with_its_place(edited):
    with pytest.raises(UserError, match=r"paper\.yaml: guidance\.cfg\.blocks: unknown key"):
        edited("guidance: {cfg: {blocks: [3]}}")

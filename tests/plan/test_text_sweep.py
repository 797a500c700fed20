"""The sweep of a part with images of prompts: weights, and the blocks that guidance skips."""

from pathlib import Path

import pytest
from tiny_made import MADE
from tiny_text import write

from w2s.errors import UserError
from w2s.params.load import load_study
from w2s.plan.study import plan, plan_sweep
from w2s.plan.sweep import swept
from w2s.run.start import start

SWEEP = {
    "model": "main",
    "seeds": [100, 101],
    "columns": ["words", "shape", "forwards"],
    "by": "words",
    "weights": {"cfg": [1.5, 2], "sgg": [1.5, 2]},
    "layers": {"sgg": {"blocks": [[0], [1, 2]], "weights": [1.25, 3]}},
}
SGG = [
    {"window": [0.5, 1], "method": "cfg", "weight": 2},
    {"window": [0, 0.5], "method": "skip_layer", "blocks": [2], "weight": 2},
]
STUDY = MADE | {"guidance": MADE["guidance"] | {"sgg": SGG}, "sweep": SWEEP}
LAYERS = ["sgg-without-0=1.25", "sgg-without-0=3", "sgg-without-1+2=1.25", "sgg-without-1+2=3"]


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("scale: words\n")
    write(tmp_path, STUDY)
    return load_study(tmp_path / "params.yaml")


def test_there_is_a_row_for_every_weight_and_for_every_set_of_blocks(study):
    tables = swept(study.part("text")).params.tables
    assert list(tables) == ["weights-text", "layers-text"]
    weights = ["cfg=1.5", "cfg=2", "sgg=1.5", "sgg=2"]
    assert list(tables["weights-text"].rows) == ["none", *weights]
    assert list(tables["layers-text"].rows) == ["none", *LAYERS]


def test_blocks_are_those_of_the_windows_that_skip_alone(study):
    cfg, skipping = swept(study.part("text")).params.guidance["sgg-without-1+2=3"]
    assert (cfg.method, cfg.weight) == ("cfg", 2.0)
    assert (skipping.method, skipping.weight, skipping.blocks) == ("skip_layer", 3.0, (1, 2))


def test_the_networks_are_those_of_the_study(study):
    tables, tried = plan(study), plan_sweep(study)
    new = {node.kind for key, node in tried.nodes.items() if key not in tables.nodes}
    assert new == {"segment", "decoded", "score"}
    for one in tried.sets.values():
        assert one.drawing.start["seeds"] == [100, 101]


def test_all_asks_for_neither(study):
    started = start(Path("params.yaml"), {})
    assert started.sweep == ("sweep/weights-text", "sweep/layers-text")
    assert not plan(study).groups.keys() & set(started.sweep)


def test_a_block_that_is_not_there_is_refused_with_its_key(tmp_path, study):
    layers = {"sgg": {"blocks": [[0], [7]], "weights": [2]}}
    write(tmp_path, STUDY | {"sweep": SWEEP | {"layers": layers}})
    with pytest.raises(UserError, match=r"text\.yaml: sweep\.layers: .* skips blocks \[7\]"):
        plan_sweep(load_study(tmp_path / "params.yaml"))

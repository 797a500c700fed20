"""Probes of points: their world is the truth, and they are drawn by networks of any table."""

import re
from pathlib import Path

import pytest
import tiny_points

from w2s.errors import UserError
from w2s.params.load import load_study
from w2s.plan.plane_cost import gaussians
from w2s.plan.study import plan, planner_of
from w2s.plane.tree import World

PROBES = {
    "exact": {
        "label": "exact",
        "world": "few",
        "model": "blurred",
        "guidance": {"cfg": "CFG", "sgg": "SGG"},
        "per_seed": 12,
    },
    "trained": {
        "label": "trained",
        "world": "many",
        "model": "base",
        "guidance": {"ag": "AutoGuidance"},
        "per_seed": 12,
    },
}
FIGURES = {
    "toy-guidance": {"draws": "guidance", "title": "Shown.", "probes": ["exact", "trained"]},
    "optimal-velocity": {"draws": "velocity", "title": "Shown.", "probes": ["trained"]},
    "toy-stages": {"draws": "stages", "title": "Shown.", "probes": ["exact"]},
}


def loaded(root, monkeypatch, **changes):
    monkeypatch.chdir(root)
    tiny_points.write(root, tiny_points.POINTS | {"probes": PROBES, "figures": FIGURES} | changes)
    return load_study(Path("params.yaml"))


def test_a_probe_rests_on_its_world_and_each_training_seeds_networks(tmp_path, monkeypatch):
    planned = plan(loaded(tmp_path, monkeypatch))
    probes = {n.label: n for n in planned.nodes.values() if n.kind == "probe"}
    exact, trained = probes["probe exact"], probes["probe trained"]
    for probe, world in ((exact, "few"), (trained, "many")):
        (points,) = probe.parents["points"]
        classes = tiny_points.POINTS["worlds"][world]["classes"]
        assert planned.nodes[points].spec["world"]["classes"] == classes
    assert [len(keys) for keys in trained.parents.values()] == [2, 2, 1]
    assert [len(keys) for keys in exact.parents.values()] == [1, 1, 1]
    assert (exact.spec["seeds"], trained.spec["seeds"]) == ([3, 4], [0, 1])
    assert (exact.spec["measures"], trained.spec["measures"]) == (["stages"], ["velocity"])


def test_a_probe_may_take_some_of_the_training_seeds(tmp_path, monkeypatch):
    """A picture of points shows the networks of one."""
    whole = plan(loaded(tmp_path, monkeypatch))
    probes = PROBES | {"trained": PROBES["trained"] | {"seeds": [1]}}
    alone = plan(loaded(tmp_path, monkeypatch, probes=probes))
    both, one = (
        next(n for n in made.nodes.values() if n.label == "probe trained")
        for made in (whole, alone)
    )
    assert one.spec == both.spec | {"seeds": [1]}
    for role in ("model", "weak:early"):
        assert one.parents[role] == both.parents[role][1:]
    facts = alone.groups["figure/optimal-velocity"].facts["probes"][0]
    assert facts["over"] == "training seeds"


def test_a_probe_adds_itself_alone_to_the_nodes_of_tables(tmp_path, monkeypatch):
    whole = plan(loaded(tmp_path, monkeypatch))
    tables = plan(loaded(tmp_path, monkeypatch, probes={}, figures={}))
    assert [whole.nodes[k].kind for k in whole.nodes.keys() - tables.nodes.keys()] == ["probe"] * 2
    assert {g for g in whole.groups if g not in tables.groups} == {f"figure/{n}" for n in FIGURES}


def test_a_probe_is_priced_at_the_forwards_that_it_runs(tmp_path, monkeypatch):
    """7 evaluations of each own path, and 4 of all signals on the marginal one of velocities."""
    study = loaded(tmp_path, monkeypatch)
    planned = plan(study)
    (part,) = study.parts
    estimator = planner_of(part).estimate(part, planned)
    nodes = {n.label: n for n in planned.nodes.values() if n.kind == "probe"}
    exact, trained = nodes["probe exact"], nodes["probe trained"]
    assert estimator.of(exact).forwards == 2 * 12 * 7 * (1 + 2 + 2)
    assert estimator.of(trained).forwards == 2 * 12 * (7 * (1 + 2) + 4 * 2)
    none = planned.nodes[planned.sets["known", "none", 0].segments[0]]  # by the same network
    for price in ("gmacs", "forwards"):
        of_both = [getattr(estimator.of(node), price) for node in (exact, none)]
        assert of_both[0] / of_both[1] == pytest.approx(12 / 30 * 5)
    bare = planned.nodes[exact.parents["points"][0]]
    for node in (exact, trained):
        assert planned.budgets[node.key].seconds(node) > 0
    more = {"exact": PROBES["exact"] | {"per_seed": 12000}, "trained": PROBES["trained"]}
    grown = plan(loaded(tmp_path, monkeypatch, probes=more))
    (large,) = [n.key for n in grown.nodes.values() if n.label == "probe exact"]
    # Its true velocities alone hold a number for each point, way and Gaussian.
    held = 2 * 12000 * 4 * gaussians(World(**bare.spec["world"])) * 8 / 2**20
    assert grown.resources(large).mem_mb - planned.resources(exact.key).mem_mb > held


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"world": "fww"}, "probes.exact.world: there is no world under worlds named 'fww'; did"),
        ({"model": "blured"}, "probes.exact.model: there is no network named 'blured'; did you"),
        ({"model": "worse"}, "probes.exact.guidance.sgg: its weak network 'worse' is the same as"),
        ({"per_seed": 0}, "probes.exact.per_seed: must be above 0"),
        ({"guidance": {"ag": "AG"}}, "probes.exact.model: 'blurred' is exact and"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_key(tmp_path, monkeypatch, change, expected):
    probes = PROBES | {"exact": PROBES["exact"] | change}
    with pytest.raises(UserError) as refused:
        loaded(tmp_path, monkeypatch, probes=probes)
    (line,) = str(refused.value).splitlines()
    assert expected in line


def test_training_seeds_of_a_probe_are_those_of_the_study(tmp_path, monkeypatch):
    probes = PROBES | {"trained": PROBES["trained"] | {"seeds": [1, 7]}}
    with pytest.raises(UserError) as refused:
        loaded(tmp_path, monkeypatch, probes=probes)
    expected = r"probes\.trained\.seeds\[1\]: 'base' is trained with seeds 0, 1, and 7 is none of"
    assert re.search(expected, str(refused.value))
    # Of exact networks they are sampling seeds, which may be any.
    loaded(tmp_path, monkeypatch, probes=PROBES | {"exact": PROBES["exact"] | {"seeds": [7]}})

"""Rows share the states they agree on, recipes their trunks; cost is what is left."""

import pytest
from tiny_study import kinds_of

from w2s.plan.estimate import Estimator
from w2s.plan.samples import families
from w2s.plan.study import plan

ROWS = ("tables", "guidance", "rows")


def chain(planned, row: str, table: str = "guidance", seed: int = 0, shard: int = 0) -> list[str]:
    """The segments that lead to a row's samples, the first first."""
    key = planned.sets[table, row, seed].segments[shard]
    found = [key]
    while earlier := planned.nodes[key].helpers.get("from"):
        (key,) = earlier
        found.insert(0, key)
    return found


def trained(planned, label: str):
    return [n for n in planned.nodes.values() if n.kind == "train" and n.label == f"train {label}"]


def test_sgg_grows_out_of_cfg(study_folder):
    weak = {"method": "autoguidance", "weak": "small-net", "weight": 2, "window": [0, 0.5]}
    study_folder.edit(("guidance", "cfg"), {"method": "cfg", "weight": 7})
    study_folder.edit(
        ("guidance", "sgg"), [{"method": "cfg", "weight": 7, "window": [0.5, 1]}, weak]
    )
    planned = study_folder.plan()
    cfg, sgg = chain(planned, "cfg"), chain(planned, "sgg")
    assert cfg[0] == sgg[0]
    assert planned.nodes[cfg[0]].spec["stop"] == 10
    assert cfg[1] != sgg[1]
    assert "weak:small-net" not in planned.nodes[sgg[0]].parents
    assert "weak:small-net" in planned.nodes[sgg[1]].parents


def test_the_same_row_in_two_tables_is_one_node(study_folder):
    planned = study_folder.plan()
    assert (
        planned.sets["training", "none", 0].metrics == planned.sets["guidance", "none", 0].metrics
    )


@pytest.mark.parametrize("window", [[0.5, 1], [0.35, 1], [0.8, 1], [0, 1], [0.2, 0.45]])
def test_a_new_row_renames_no_result(study_folder, window):
    before = study_folder.plan()
    study_folder.edit(("guidance", "new"), {"method": "cfg", "weight": 2, "window": window})
    study_folder.edit((*ROWS, "new"), {"model": "base", "guidance": "new"})
    after = study_folder.plan()
    for member, one in before.sets.items():
        assert after.sets[member].segments == one.segments
        assert after.sets[member].metrics == one.metrics


def test_a_segment_states_all_it_depends_on_from_the_start(study_folder):
    planned = study_folder.plan()
    for node in planned.nodes.values():
        if node.kind == "segment":
            assert sum(count for count, _ in node.spec["steps"]) == node.spec["stop"]


def test_branches_share_one_trunk(study_folder):
    planned = study_folder.plan()
    (trunk,) = trained(planned, "trunk")
    assert trunk.spec["steps"] == 1800
    for name in ("base", "mg", "br", "ag", "slg", "sgg", "sgg-code"):
        (branch,) = trained(planned, name)
        assert branch.parents["trunk"] == (trunk.key,)
        assert (branch.spec["start"], branch.spec["steps"]) == (1800, 2400)


def test_a_trunk_left_early_is_trained_no_further(study_folder):
    for name in ("base", "mg", "br", "ag", "slg", "sgg", "sgg-code"):
        study_folder.edit(("training", "recipes", name, "from"), "trunk@600")
    study_folder.edit(("weak", "early", "fraction"), 0.25)
    (trunk,) = trained(study_folder.plan(), "trunk")
    assert trunk.spec["steps"] == 600
    assert trunk.spec["snapshots"] == [300, 600]


def test_weak_models_come_from_the_run_that_reached_their_step(study_folder):
    planned = study_folder.plan()
    (trunk,), (base,) = trained(planned, "trunk"), trained(planned, "base")
    weights = {
        (n.spec["step"], n.spec["part"]): n.parents["train"]
        for n in planned.nodes.values()
        if n.kind == "weights"
    }
    assert weights[1200, "full"] in ((trunk.key,), (trained(planned, "uncond-trunk")[0].key,))
    assert weights[2400, "head"] == (base.key,)


def test_training_seeds_multiply_what_depends_on_training(study_folder):
    one = study_folder.plan(parts="pictures")
    study_folder.edit(("training", "seeds"), [0, 1, 2])
    three = study_folder.plan(parts="pictures")

    def count(planned, kind):
        return sum(node.kind == kind for node in planned.nodes.values())

    for kind in ("train", "weights", "segment"):
        assert count(three, kind) == 3 * count(one, kind)
    for kind in ("decoded", "metrics"):  # but for real images, which nobody trains
        assert count(three, kind) - 1 == 3 * (count(one, kind) - 1)
    for kind in ("images", "index", "vae", "latents", "features", "reference"):
        assert count(three, kind) == count(one, kind)
    gone = one.nodes.keys() - three.nodes.keys()
    assert {one.nodes[key].kind for key in gone} == {"probe"}  # which reads every seed's network
    cell = "cells/guidance/slg"
    more = set(three.groups[cell].needs) - set(one.groups[cell].needs)
    assert kinds_of(more, three) == {"metrics"}
    assert len(more) == 2 * 2  # of the row and of the table's baseline


def test_shards_split_samples_and_latents_but_not_metrics(study_folder):
    study_folder.edit(("sampling", "shards"), 3)
    study_folder.edit(("latents",), {"shards": 2})
    planned = study_folder.plan()
    final = planned.sets["guidance", "sgg", 0]
    assert [planned.nodes[key].spec["shard"] for key in final.segments] == [0, 1, 2]
    (decoded,) = planned.nodes[final.metrics].parents["decoded"]
    assert planned.nodes[decoded].parents["segment"] == final.segments
    latents = planned.nodes[decoded].parents["latents"]
    assert [planned.nodes[key].spec["shard"] for key in latents] == [0, 1]
    for shard in range(3):  # a shard continues its own earlier part
        parts = [planned.nodes[key].spec["shard"] for key in chain(planned, "sgg", shard=shard)]
        assert set(parts) == {shard}


def test_families_are_rows_of_one_model(study_folder):
    planned = study_folder.plan()
    rows = {member: one.drawing for member, one in planned.sets.items() if one.drawing}
    for members in families(rows).values():
        assert len({rows[m].model for m in members}) == 1


def estimates(study_folder, **overrides):
    study = study_folder.load(**overrides)
    planned = plan(study)
    estimator = Estimator(study.part(), planned)
    return planned, {key: estimator.of(node) for key, node in planned.nodes.items()}


def test_estimated_forwards_of_samples(study_folder):
    """5 seeds of 300; CFG costs 2 a step, a mid head nothing beside the whole network."""
    planned, found = estimates(study_folder)

    def forwards(row):
        return sum(found[key].forwards for key in chain(planned, row))

    samples, steps = 5 * 300, 20
    assert forwards("none") == pytest.approx(samples * steps)
    assert forwards("cfg-2") == pytest.approx(samples * steps * 2)
    assert forwards("cfg-interval") == pytest.approx(samples * (steps + 12))
    assert forwards("mid-head") == pytest.approx(samples * steps)
    assert forwards("slg") == pytest.approx(samples * steps * (1 + 2 / 6))  # blocks 4 and 5 twice
    assert forwards("weak-head") == pytest.approx(samples * steps)  # in forwards of its own


def test_estimated_forwards_of_training(study_folder):
    planned, found = estimates(study_folder)
    (trunk,), (base,) = trained(planned, "trunk"), trained(planned, "base")
    assert found[trunk.key].forwards == 64 * 1800 * 3
    assert found[base.key].forwards == 64 * 600 * 3
    assert found[base.key].bytes > 0


def test_estimated_latents(study_folder):
    _, found = estimates(study_folder)
    planned = study_folder.plan()
    (latents,) = [n for n in planned.nodes.values() if n.kind == "latents"]
    assert found[latents.key].bytes == 8192 * 4 * 12 * 12 * 2 * 4


def test_estimates_add_up_over_shards(study_folder):
    _, whole = estimates(study_folder)
    study_folder.edit(("sampling", "shards"), 3)
    _, split = estimates(study_folder)
    total = [sum(e.forwards for e in found.values()) for found in (whole, split)]
    assert total[0] == pytest.approx(total[1])

"""Held-out real images: a row of their own, which nothing else rests on."""

import pytest
from tiny_study import DELETE, kinds_of

ROWS = ("tables", "guidance", "rows")
FOLDER = {"kind": "folder", "path": "photos", "resolution": 24, "classes": 3, "fingerprint": "0"}


def behind(planned, keys):
    """These nodes and all that they rest on."""
    found, todo = set(), list(keys)
    while todo:
        node = planned.nodes[todo.pop()]
        found.add(node.key)
        todo += [p for parents in node.parents.values() for p in parents if p not in found]
    return found


def drop_real_rows(study_folder):
    for table in ("guidance", "training", "unconditional"):
        study_folder.edit(("tables", table, "rows", "real"), DELETE)


def test_without_the_row_no_other_node_changes(study_folder):
    before = study_folder.plan()
    drop_real_rows(study_folder)
    after = study_folder.plan()
    assert after.nodes.keys() < before.nodes.keys()
    gone = before.nodes.keys() - after.nodes.keys()
    assert kinds_of(gone, before) == {"images", "index", "decoded", "metrics"}
    assert len(gone) == 4  # in three tables the same


def test_the_rendered_world_draws_as_many_others_as_there_are_samples(study_folder):
    planned = study_folder.plan()
    trained, held_out = (
        next(n for n in planned.nodes.values() if n.label == f"render {what}")
        for what in ("images", "held-out images")
    )
    assert held_out.spec["count"] == 5 * 300
    assert trained.spec | {"count": 1500, "seed": held_out.spec["seed"]} == held_out.spec
    assert held_out.spec["seed"] > 2**31 - 1  # beyond any seed that a study can name
    row = planned.sets["guidance", "real", 0]
    seen = behind(planned, [planned.sets["guidance", "none", 0].metrics])
    assert held_out.key not in seen
    assert {trained.key, held_out.key} < behind(planned, [row.metrics])  # by the reference


def test_every_class_of_the_rendered_world_is_held_out_too(study_folder):
    study_folder.edit(("sampling", "seeds"), [0, 1])
    study_folder.edit(("sampling", "per_seed"), 107)
    (held_out,) = (n for n in study_folder.plan().nodes.values() if "render held-out" in n.label)
    assert held_out.spec["count"] == 240  # 214 samples, in whole turns of 30 classes


def test_a_folder_is_split_for_everything_that_learns(study_folder):
    study_folder.edit(("data",), FOLDER | {"held_out": 1500})
    planned = study_folder.plan()
    index = {n.label: n for n in planned.nodes.values() if n.kind == "index"}
    assert set(index) == {"", "index rest", "index held out"}
    readers = {
        name: {n.kind for n in planned.nodes.values() if (node.key,) == n.parents.get("index")}
        for name, node in index.items()
    }
    assert readers[""] == set()
    assert readers["index held out"] == {"decoded"}
    assert readers["index rest"] == {"vae", "latents", "features", "reference"}


def test_a_folder_that_holds_nothing_out_has_the_keys_it_had(study_folder):
    drop_real_rows(study_folder)
    study_folder.edit(("data",), FOLDER)
    before = study_folder.plan()
    study_folder.edit(("data", "held_out"), 0)
    assert study_folder.plan().nodes.keys() == before.nodes.keys()
    (index,) = (n for n in before.nodes.values() if n.kind == "index")
    assert set(index.spec) == {"source", "on_bad_file"}


@pytest.mark.parametrize("scale", ["smoke", "mini"])
def test_real_images_lead_every_table(study_folder, scale):
    for table in study_folder.load(scale=scale).part().params.tables.values():
        first, *others = table.rows.values()
        assert first.real
        assert not any(row.real for row in others)


def test_the_papers_reference_is_planned_without_being_there(study_folder):
    planned = study_folder.plan(scale="paper")
    (reference,) = (n for n in planned.nodes.values() if n.kind == "reference")
    assert reference.local == {"path": "data/VIRTUAL_imagenet256_labeled.npz"}
    assert reference.spec["fingerprint"].startswith("absent:")
    assert set(reference.parents) == {"features"}

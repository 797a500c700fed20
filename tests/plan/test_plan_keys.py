"""Keys follow content: what changes a result changes its key and those below, and no others."""

import subprocess
import sys
from dataclasses import replace

import pytest
import yaml
from tiny_study import DELETE, kinds_of

from w2s.guidance.registry import METHODS
from w2s.plan.kinds import KINDS
from w2s.plan.nodes import Node, canonical
from w2s.plan.study import plan
from w2s.run.start import priorities

ROWS = ("tables", "guidance", "rows")
SCORES = {"decoded", "metrics"}
SAMPLES = {"segment"} | SCORES
MODELS = {"train", "weights", "probe"} | SAMPLES
EVERY = {"images", "index", "features", "vae", "latents", "reference"} | MODELS


def changed(study_folder, *edits, file="scales/mini/pictures.yaml", **overrides) -> set[str]:
    """Kinds of the nodes that edits put in the place of others."""
    before = study_folder.plan(**overrides)
    for path, value in edits:
        study_folder.edit(path, value, file)
    after = study_folder.plan(**overrides)
    gone, new = before.nodes.keys() - after.nodes.keys(), after.nodes.keys() - before.nodes.keys()
    assert kinds_of(gone, before) == kinds_of(new, after)
    return kinds_of(new, after)


def test_a_plan_is_the_same_every_time(study_folder):
    one, two = study_folder.plan(), study_folder.plan()
    assert one.nodes == two.nodes
    assert list(one.nodes) == list(two.nodes)
    assert {g.name: g.key for g in one.groups.values()} == {
        g.name: g.key for g in two.groups.values()
    }


def reversed_keys(value):
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return value


def as_floats(value):
    """Weights and other floats that were written as whole numbers."""
    if isinstance(value, dict):
        return {
            key: float(item) if key == "weight" and isinstance(item, int) else as_floats(item)
            for key, item in value.items()
        }
    return [as_floats(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("respell", [reversed_keys, as_floats])
def test_how_a_study_is_written_does_not_count(study_folder, tmp_path, respell):
    before = study_folder.plan()
    file = tmp_path / "scales/mini/pictures.yaml"
    file.write_text(yaml.safe_dump(respell(yaml.safe_load(file.read_text())), sort_keys=False))
    assert study_folder.plan().nodes.keys() == before.nodes.keys()


@pytest.mark.parametrize("scale", ["smoke", "mini", "paper"])
def test_parents_and_helpers_come_before_children(study_folder, scale):
    seen = set()
    for key, node in study_folder.plan(scale=scale).nodes.items():
        assert all(parent in seen for keys in node.inputs.values() for parent in keys)
        assert key == node.key
        seen.add(key)


def test_every_group_shows_nodes_of_the_plan(study_folder):
    planned = study_folder.plan()
    assert all(key in planned.nodes for g in planned.groups.values() for key in g.needs)
    paths = [path for group in planned.groups.values() for path in group.paths]
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize(
    ("edits", "kinds"),
    [
        ([(("guidance", "cfg", "weight"), 2.5)], SAMPLES | {"probe"}),
        ([(("guidance", "sgg", 1, "weight"), 2.5)], SAMPLES),
        ([(("sampling", "steps"), 21)], SAMPLES | {"probe"}),
        ([(("sampling", "precision"), "bf16")], SAMPLES),
        ([(("sampling", "state"), "fp64")], SAMPLES),
        ([(("sampling", "compile"), True)], SAMPLES),
        ([(("sampling", "per_seed"), 310)], {"images", "index"} | SAMPLES),
        ([(("metrics", "kid_subset_size"), 90)], {"metrics"}),
        ([(("metrics", "seed"), 1)], {"metrics"}),
        ([(("metrics", "isc_splits"), 9)], set()),
        ([(("metrics", "prc_neighbourhood"), 4)], {"reference", "metrics"}),
        ([(("metrics", "batch"), 100)], {"reference"} | SCORES),
        ([(("metrics", "metrics"), ["fd", "kid", "precision", "recall", "accuracy"])], {"metrics"}),
        ([(("reference",), {"count": 2000})], {"reference", "metrics"}),
        ([(("features", "steps"), 351)], {"features", "reference"} | SCORES),
        ([(("sampling", "ema"), 0.07)], MODELS),
        ([(("weak", "early", "fraction"), 0.25)], MODELS),
        ([(("training", "lr"), 2e-3)], MODELS),
        ([(("training", "recipes", "small", "steps"), 900)], MODELS - {"probe"}),
        ([(("latents",), {"flip": True})], {"latents"} | MODELS),
        ([(("vae", "steps"), 1301)], {"vae", "latents"} | MODELS),
        ([(("data", "jitter"), 0.2)], EVERY),
        ([(("tables", "guidance", "title"), "Another")], set()),
        ([((*ROWS, "slg", "label"), "another")], set()),
        ([(("cost",), {"device": "x", "measured": "y", "seconds_per_gmac": 1e-3})], set()),
    ],
)
def test_a_change_touches_what_rests_on_it(study_folder, edits, kinds):
    assert changed(study_folder, *edits) == kinds


def test_one_weight_renames_one_rows_samples_and_comes_back(study_folder):
    before = study_folder.plan()
    study_folder.edit(("guidance", "cfg-3", "weight"), 4)
    after = study_folder.plan()
    new = [after.nodes[key] for key in after.nodes.keys() - before.nodes.keys()]
    labels = ["decode cfg-3", "evaluate cfg-3", "sample cfg-3"]
    assert sorted(node.label for node in new) == labels
    study_folder.edit(("guidance", "cfg-3", "weight"), 3)
    assert study_folder.plan().nodes.keys() == before.nodes.keys()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("device", "cuda:1"),
        ("threads", 8),
        ("minutes", 3),
    ],
)
def test_how_to_run_is_no_part_of_a_key(study_folder, key, value):
    edit = (("execution", key), value)
    assert changed(study_folder, edit, file="params.yaml") == set()


def test_where_data_lies_is_no_part_of_a_key(study_folder, tmp_path):
    for name in ("a", "b"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        (tmp_path / "pets" / name / "1.png").write_bytes(name.encode())
    here = study_folder.plan(data="pets")
    (tmp_path / "far").mkdir()
    (tmp_path / "pets").rename(tmp_path / "far/pets")
    there = study_folder.plan(data="far/pets")
    assert there.nodes.keys() == here.nodes.keys()
    assert {n.local["path"] for n in there.nodes.values() if n.local} == {"far/pets"}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_version_renames_its_kind_and_all_below(study_folder, monkeypatch, kind):
    study = study_folder.load()
    before = plan(study)
    raised = replace(KINDS[kind], version=KINDS[kind].version + 1)
    monkeypatch.setitem(KINDS, kind, raised)
    after = plan(study)
    below = {key for key, node in before.nodes.items() if node.kind == kind}
    for key, node in before.nodes.items():  # parents come first
        if any(parent in below for keys in node.parents.values() for parent in keys):
            below.add(key)
    assert before.nodes.keys() - after.nodes.keys() == below
    assert len(after.nodes) == len(before.nodes)


def test_a_methods_version_renames_the_samples_it_takes_part_in(study_folder, monkeypatch):
    study = study_folder.load()
    before = plan(study)
    monkeypatch.setattr(METHODS["skip_layer"], "version", 2)
    after = plan(study)
    gone = {before.nodes[key].label for key in before.nodes.keys() - after.nodes.keys()}
    rows = ("slg", "slg-cfg", "s2")  # all that resolve to skipped blocks
    assert gone == {f"{done} {row}" for row in rows for done in ("sample", "decode", "evaluate")}


def test_an_objectives_version_renames_the_runs_trained_with_it(study_folder, monkeypatch):
    study = study_folder.load()
    before = plan(study)
    objective = type(study.part().params.training.recipes["mg"].objective)
    monkeypatch.setattr(objective, "version", 2)
    after = plan(study)
    gone = {before.nodes[key].label for key in before.nodes.keys() - after.nodes.keys()}
    stages = ("train", "extract", "sample", "decode", "evaluate")
    assert gone == {f"{stage} mg" for stage in stages}


def test_labels_and_helpers_are_no_part_of_a_key():
    node = Node("segment", {"stop": 3}, {"model": ("a",)}, label="x")
    assert node.key == replace(node, label="y", helpers={"from": ("b",)}, local={"path": "z"}).key
    assert node.key != replace(node, parents={"model": ("b",)}).key
    assert node.key != replace(node, spec={"stop": 4}).key


def test_the_canonical_text_knows_no_order_and_no_nan():
    assert canonical({"b": 1, "a": [1.5]}) == '{"a":[1.5],"b":1}'
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical(float("nan"))


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--scale", "smoke"], ["schema"]])
def test_quick_commands_import_no_torch(study_folder, arguments):
    slow = ("torch", "torchvision", "diffusers", "timm", "torch_fidelity", "pandas", "matplotlib")
    script = (
        "import sys\nfrom w2s.cli import main\n"
        f"try:\n    main({arguments})\nexcept SystemExit:\n    pass\n"
        f"found = sorted(set({slow}) & set(sys.modules))\n"
        "sys.exit(', '.join(found) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_removing_a_row_renames_nothing(study_folder):
    before = study_folder.plan()
    study_folder.edit((*ROWS, "cfg-3"), DELETE)
    after = study_folder.plan()
    assert after.nodes.keys() < before.nodes.keys()


def test_what_the_first_rows_need_is_done_first(study_folder):
    planned = study_folder.plan()
    priority = priorities(planned, last="unconditional")
    assert priority.keys() == planned.nodes.keys()
    metrics = [one.metrics for one in planned.sets.values()]
    ranks = [priority[key] for key in dict.fromkeys(metrics)]
    assert ranks == sorted(ranks, reverse=True)
    for key, node in planned.nodes.items():
        assert all(priority[p] > priority[key] for keys in node.inputs.values() for p in keys)
    first = planned.sets["guidance", "none", 0].metrics
    trained = {n.label for n in planned.nodes.values() if n.kind == "train"}
    early = {n.label for k, n in planned.nodes.items() if priority[k] > priority[first]}
    assert early & trained == {"train trunk", "train base"}


def test_in_the_last_table_training_leads(study_folder):
    planned = study_folder.plan()
    priority = priorities(planned, last="unconditional")
    first = planned.sets["unconditional", "none", 0].segments[0]
    labels = {n.label: k for k, n in planned.nodes.items() if n.kind == "train"}
    assert priority[labels["train uncond-ag"]] > priority[first]
    trained = planned.sets["training", "none", 0].metrics
    assert priority[labels["train uncond-ag"]] < priority[trained]

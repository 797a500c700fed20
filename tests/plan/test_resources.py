"""What jobs ask of a machine grows with their work, and is sane for the shipped studies."""

from pathlib import Path

import pytest

from w2s.params.load import load_study
from w2s.plan.kinds import KINDS
from w2s.plan.resources import PROGRAM, kept
from w2s.plan.study import plan, plan_sweep

HOME = Path(__file__).parents[2]


def asked(study_folder, **overrides) -> dict[str, list]:
    """Resources of all nodes of a plan, by kind."""
    planned, found = study_folder.plan(**overrides), {}
    for key, node in planned.nodes.items():
        found.setdefault(node.kind, []).append(planned.resources(key))
    return found


def most(found: dict, kind: str, name: str) -> float:
    return max(getattr(one, name) for one in found[kind])


def shipped(scale: str) -> dict[str, list]:
    study = load_study(HOME / "params.yaml", {"scale": scale})
    whole, found = plan(study).joined(plan_sweep(study)), {}
    for key, node in whole.nodes.items():
        found.setdefault(node.kind, []).append(whole.resources(key))
    return found


@pytest.mark.parametrize(
    ("path", "value", "kind", "name"),
    [
        (("training", "batch"), 640, "train", "mem_mb"),
        (("models", "mini", "hidden"), 512, "train", "mem_mb"),
        (("models", "mini", "hidden"), 512, "train", "minutes"),
        (("models", "mini", "depth"), 60, "train", "mem_mb"),
        (("models", "mini", "patch"), 1, "train", "mem_mb"),
        (("training", "ema"), [0.02 + 0.001 * i for i in range(200)], "train", "mem_mb"),
        (("training", "recipes", "base", "steps"), 240_000, "train", "minutes"),
        (("models", "mini", "hidden"), 2048, "weights", "mem_mb"),
        (("sampling", "batch"), 15_000, "segment", "mem_mb"),
        (("sampling", "per_seed"), 300_000, "segment", "mem_mb"),
        (("sampling", "per_seed"), 300_000, "segment", "minutes"),
        (("sampling", "steps"), 400, "segment", "minutes"),
        (("sampling", "per_seed"), 300_000, "decoded", "mem_mb"),
        (("sampling", "per_seed"), 300_000, "decoded", "minutes"),
        (("sampling", "per_seed"), 300_000, "metrics", "mem_mb"),
        (("data", "count"), 800_000, "images", "mem_mb"),
        (("data", "count"), 8_000_000, "latents", "minutes"),
        (("data", "count"), 800_000, "vae", "mem_mb"),
        (("data", "resolution"), 192, "vae", "mem_mb"),
        (("vae", "batch"), 800, "vae", "mem_mb"),
        (("vae", "steps"), 130_000, "vae", "minutes"),
        (("latents", "batch"), 2000, "latents", "mem_mb"),
        (("features", "batch"), 2000, "features", "mem_mb"),
        (("features", "steps"), 35_000, "features", "minutes"),
        (("data", "count"), 800_000, "reference", "mem_mb"),
    ],
)
def test_more_work_asks_for_more(study_folder, path, value, kind, name):
    before = most(asked(study_folder), kind, name)
    study_folder.edit(path, value)
    assert most(asked(study_folder), kind, name) > before


def test_sharing_a_set_among_more_nodes_asks_less_of_each(study_folder):
    study_folder.edit(("sampling", "per_seed"), 300_000)
    study_folder.edit(("sampling", "shards"), 1)
    whole = asked(study_folder)
    study_folder.edit(("sampling", "shards"), 10)
    parts = asked(study_folder)
    for name in ("mem_mb", "minutes"):
        assert most(parts, "segment", name) < most(whole, "segment", name)


@pytest.mark.parametrize("scale", ["smoke", "mini"])
def test_a_laptop_holds_two_jobs_of_the_small_studies(scale):
    for kind, every in shipped(scale).items():
        for one in every:
            assert PROGRAM <= one.mem_mb <= 4000, kind
            assert 10 <= one.minutes <= 30, kind
            assert (one.threads, one.gpus) == (1, 0)


def test_the_papers_study_asks_for_what_its_networks_take():
    found = shipped("paper")
    for kind, every in found.items():
        assert {one.gpus for one in every} == {int(KINDS[kind].gpu)}, kind
        assert all(PROGRAM <= one.mem_mb <= 64_000 for one in every), kind
        assert all(one.minutes >= 10 for one in every), kind
    # SiT-B/2, 400,000 steps of 256: days on one GPU, not hours and not months.
    assert 24 * 60 < most(found, "train", "minutes") < 14 * 24 * 60
    assert 30 < most(found, "segment", "minutes") < 24 * 60
    assert most(found, "train", "mem_mb") > 8_000


def test_gpus_are_the_studys_and_a_job_told_to_use_the_cpu_asks_for_none(study_folder):
    planned = study_folder.plan()
    study_folder.edit(("gpus",), 2)
    found = asked(study_folder)
    assert {one.gpus for one in found["segment"]} == {2}
    assert {one.gpus for one in found["index"] + found["weights"]} == {0}
    assert study_folder.plan().nodes.keys() == planned.nodes.keys()
    study_folder.edit(("execution", "device"), "cpu", "params.yaml")
    assert {one.gpus for every in asked(study_folder).values() for one in every} == {0}


def test_activations_lie_on_the_gpu_where_there_is_one(study_folder):
    study_folder.edit(("training", "batch"), 64_000)
    on_cpu = most(asked(study_folder), "train", "mem_mb")
    study_folder.edit(("gpus",), 1)
    assert most(asked(study_folder), "train", "mem_mb") < on_cpu / 2


def test_the_rate_is_the_measured_one_of_the_same_sort_of_device(study_folder):
    study_folder.edit(("training", "recipes", "base", "steps"), 2_400_000)
    slow = most(asked(study_folder), "train", "minutes")
    study_folder.edit(("cost", "seconds_per_gmac"), 0.5)
    slower = most(asked(study_folder), "train", "minutes")
    assert slower > 5 * slow
    study_folder.edit(("gpus",), 1)  # a CPU's cost says nothing of a GPU
    assert most(asked(study_folder), "train", "minutes") < slow / 5
    study_folder.edit(("cost", "device"), "NVIDIA H200")
    assert most(asked(study_folder), "train", "minutes") == slower


def test_training_that_stops_by_itself_asks_for_no_more_than_its_budget(study_folder):
    study_folder.edit(("training", "recipes", "base", "steps"), 2_400_000)
    study_folder.edit(("execution", "minutes"), 90, "params.yaml")
    found = asked(study_folder)
    assert most(found, "train", "minutes") == 100
    assert most(found, "vae", "minutes") < 100


def test_a_job_that_failed_asks_for_more_up_to_three_times_the_plan(study_folder):
    study_folder.edit(("execution", "minutes"), 90, "params.yaml")
    found = asked(study_folder)
    for one in (found["segment"][0], found["images"][0]):
        again = [one.grown(attempt) for attempt in (1, 2, 3, 9)]
        assert [r.mem_mb for r in again] == [one.mem_mb * n for n in (1, 2, 3, 3)]
        assert [r.minutes for r in again] == [one.minutes * n for n in (1, 2, 3, 3)]
        assert {(r.threads, r.gpus) for r in again} == {(one.threads, one.gpus)}
    training = found["train"][0]  # stops by itself: a second attempt goes on where it was
    assert training.grown(3).minutes == training.minutes
    assert training.grown(3).mem_mb == 3 * training.mem_mb


def test_threads_are_those_of_the_execution(study_folder):
    study_folder.edit(("execution", "threads"), 3, "params.yaml")
    assert {one.threads for every in asked(study_folder).values() for one in every} == {3}


def test_what_a_transformer_keeps_is_seventeen_values_per_token_width_and_block():
    """SiT-B/2 at 256 x 256: 256 tokens of width 768 in 12 blocks."""
    base = {"kind": "sit", "input_size": 32, "patch_size": 2, "in_channels": 4}
    base |= {"hidden_size": 768, "depth": 12, "num_heads": 12, "mlp_ratio": 4.0}
    base |= {"num_classes": 1000, "head_at": None}
    assert kept(base) == pytest.approx(17 * 256 * 768 * 12, rel=0.35)

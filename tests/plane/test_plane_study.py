"""A study of points, built node by node: the same bytes however it is cut, and what it finds."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_points import POINTS, write
from tiny_text import changed

from w2s.job import Execution, Job
from w2s.params.load import load_study
from w2s.plan.kinds import KINDS
from w2s.plan.study import plan

SEEDS = [11, 12]
EXACT = {  # enough points and steps for the errors to show
    "points": {"count": 60, "seed": 1000},
    "sampling": {"steps": 16, "seeds": SEEDS, "per_seed": 600, "batch": 600},
    "tables": {
        "known": POINTS["tables"]["known"]
        | {
            "rows": {
                "truth": {"truth": True},
                "none": {"model": "perfect"},
                "blurred": {"model": "blurred"},
                "cfg": {"model": "blurred", "guidance": "cfg"},
                "sgg": {"model": "blurred", "guidance": "sgg"},
            }
        }
    },
    "guidance": {name: POINTS["guidance"][name] for name in ("cfg", "sgg")},
}
KNOWN = {k: v for k, v in POINTS.items() if k not in ("training", "models", "weak")} | EXACT


def built(root: Path, study: dict):
    """The plan of a study, all of whose nodes are built as root/<key>."""
    torch.set_num_threads(1)
    write(root, study)
    planned = plan(load_study(root / "params.yaml"))
    for key, node in planned.nodes.items():
        out = root / key
        out.mkdir()
        parents = {role: [root / k for k in keys] for role, keys in node.inputs.items()}
        module, _, function = KINDS[node.kind].builder.partition(":")
        execution = Execution(device="cpu", state=root / "state")
        job = Job(node.kind, key, node.spec, out, parents, node.local, execution)
        getattr(importlib.import_module(module), function)(job)
    return planned


def judged(root: Path, planned) -> dict:
    """What judges wrote, as bytes, by table, row, training seed and file."""
    return {
        (*member, file.name): file.read_bytes()
        for member, one in planned.sets.items()
        for file in sorted((root / one.metrics).iterdir())
    }


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Scores of each row, by seed."""
    root = tmp_path_factory.mktemp("known")
    planned = built(root, KNOWN)
    return {
        row: json.loads((root / one.metrics / "metrics.json").read_text())["per_seed"]
        for (_, row, _), one in planned.sets.items()
    }


def test_shards_and_batches_of_the_last_change_no_byte(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    one = judged(whole, built(whole, POINTS))
    three = judged(cut, built(cut, changed(POINTS, ("sampling", "shards"), 3)))
    assert one == three
    assert {name for *_, name in one} == {"labels.npy", "metrics.json", "points.npy"}


def test_a_network_without_error_reaches_the_floor_and_one_with_error_does_not(known):
    energy = {row: np.mean(scores["energy"]) for row, scores in known.items()}
    assert abs(energy["none"] - energy["truth"]) < 1.5
    assert energy["blurred"] > energy["none"] + 1
    wrong = {row: np.mean(scores["wrong_class"]) for row, scores in known.items()}
    assert wrong["blurred"] > wrong["truth"] + 0.02
    assert wrong["cfg"] < wrong["blurred"]


def test_autoguidance_at_low_noise_brings_points_back_onto_the_support(known):
    off = {row: np.mean(scores["off_support"]) for row, scores in known.items()}
    assert off["sgg"] < 0.8 * off["cfg"] < off["blurred"]

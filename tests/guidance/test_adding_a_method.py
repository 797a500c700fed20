"""A guidance method is one file: the rest of the project finds it by its name.

A file in a folder of its own joins the methods' folder in a new process, which then does with the
method what the project does with any other.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
METHOD = '''\
"""Constant guidance, for a test."""

from typing import ClassVar, Literal

from w2s.guidance.affine import Affine
from w2s.guidance.base import HEAD, NULL, STRONG
from w2s.guidance.weights import Weight


class Midway(Affine):
    """Extrapolate from the mean of the null branch and the mid head."""

    source: ClassVar[str] = "0000.00000"
    formula: ClassVar[str] = "v_c + (w - 1) (v_c - (v_u + v_m) / 2)"
    needs: ClassVar[str] = "conditional, null, mid head"
    cost: ClassVar[str] = "2"
    sweep: ClassVar[tuple[float, ...]] = (1.05, 1.1, 1.2, 1.4, 1.8)

    method: Literal["midway"] = "midway"
    weight: Weight
    """Guidance weight w."""

    def coefficients(self):
        half = (1 - self.weight) / 2
        return {STRONG: self.weight, NULL: half, HEAD: half}
'''
JOIN = """
import sys
from pathlib import Path
from w2s.guidance import methods
methods.__path__.append(sys.argv[1])
"""
FOUND = """
from w2s.guidance.registry import METHODS
from w2s.guidance.table import page
from w2s.run.code import current
assert METHODS["midway"].__name__ == "Midway"
assert page().count("| `midway` | v_c + (w - 1)") == 1
assert "| 1.05, 1.1, 1.2, 1.4, 1.8 | 0000.00000 |" in page()
record = current()["guidance.midway"]
assert record["version"] == 1 and len(record["digest"]) == 16
Path(sys.argv[1], "midway.py").open("a").write("\\nCONSTANT = 1\\n")
assert current()["guidance.midway"]["digest"] != record["digest"]
"""
PLANNED = """
from w2s.params.load import load_study
from w2s.plan.study import plan, plan_sweep
from w2s.sampling.trajectories import decode
study = load_study(Path("params.yaml"))
(row,) = (s for (table, name, seed), s in plan(study).sets.items() if name == "midway")
assert {m.method for m in row.drawing.methods} == {"midway"}
nodes = plan(study).nodes
assert decode(nodes[row.segments[-1]].spec["steps"]) == row.drawing.methods
assert nodes[row.segments[-1]].spec["versions"] == {"midway": 1}
rows = {name for (table, name, seed) in plan_sweep(study).sets}
assert {f"midway={w:g}" for w in (1.05, 1.1, 1.2, 1.4, 1.8)} <= rows
"""
SAMPLED = """
import torch
from pydantic import TypeAdapter
from w2s.guidance.windows import Guidance, resolve
from w2s.conditions.base import Condition
from w2s.sampling.denoiser import Denoiser
from w2s.sampling.loop import sample
sys.path.insert(0, sys.argv[2])
from naive_sampler import Predictions, random_sit
net, x, times = random_sit(0), torch.randn(2, 3, 4, 4), (1.0, 0.5, 0.0)
labels, null = torch.tensor([3, 1]), torch.tensor([4, 4])
guidance = {"method": "midway", "weight": 2.0, "window": [0.5, 1]}
got, _ = sample(
    Denoiser(net), x, Condition((labels,), (null,)), times=times, solver="euler", noise=None,
    methods=resolve(TypeAdapter(Guidance).validate_python(guidance), times),
)
with torch.no_grad():
    want = x.double()
    for t, guided in ((1.0, True), (0.5, False)):
        p = Predictions({"main": net}, labels, null, want, t)
        want = want - 0.5 * (p.c + guided * (p.c - (p.u + p.m) / 2))
assert (got - want).norm() <= 1e-5 * want.norm()
"""


@pytest.fixture
def study_folder(tmp_path):
    """The smoke study with a guidance, a row and a sweep of the method."""
    (tmp_path / "added").mkdir()
    (tmp_path / "added/midway.py").write_text(METHOD)
    shutil.copytree(ROOT / "scales", tmp_path / "scales")
    study = yaml.safe_load((ROOT / "scales/smoke/pictures.yaml").read_text())
    study.setdefault("guidance", {})["midway"] = {"method": "midway", "weight": 1.5}
    rows = study.setdefault("tables", {}).setdefault("guidance", {}).setdefault("rows", {})
    rows["midway"] = {"model": "base", "guidance": "midway"}
    study.setdefault("sweep", {}).setdefault("weights", {})["midway"] = "default"
    (tmp_path / "scales/smoke/pictures.yaml").write_text(yaml.safe_dump(study))
    (tmp_path / "params.yaml").write_text("scale: smoke\n")
    return tmp_path


@pytest.mark.parametrize(
    "what", [FOUND, PLANNED, SAMPLED], ids=["found and documented", "planned", "sampled"]
)
def test_one_file_is_a_method(study_folder, what):
    place = [str(study_folder / "added"), str(ROOT / "tests/reference")]
    ran = subprocess.run(
        [sys.executable, "-c", JOIN + what, *place],
        cwd=study_folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr


def test_without_the_file_there_is_no_such_method(study_folder):
    ran = subprocess.run(
        [sys.executable, "-m", "w2s", "plan"],
        cwd=study_folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode != 0
    assert "guidance.midway.method: must be one of" in ran.stderr

"""The benchmark of SD3 compares like with like, and counts as the engine does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from w2s.guidance.windows import Guidance, resolve
from w2s.models.backbone import Shape
from w2s.pipelines.times import flow_times
from w2s.sampling.trajectories import Segment, segment_forwards

ROOT = Path(__file__).parents[2]
SIZES = "--samples 1 2 --repeats 1 --width 16 --side 4 --text 3 --steps 2"


def test_the_benchmark_compares_equal_latents():
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.sd3", *SIZES.split()],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    lines = re.findall(r"^(cfg|sgg) +(\d) +([\d.]+) +([\d.]+) .* (\S+e\S+)$", ran.stdout, re.M)
    assert [line[:2] for line in lines] == [(name, n) for name in ("cfg", "sgg") for n in "12"]
    counted = [line[2:4] for line in lines]
    assert counted == 2 * [("4.00", "4.00")] + 2 * [("4.88", "3.58")]
    assert all(float(difference) < 1e-4 for *_, difference in lines)


def test_the_released_example_takes_50_forwards():
    """14 steps of CFG, 14 of skip-layer guidance, 24 blocks; 68.25 by the released calls."""
    guidance = [
        {"method": "cfg", "weight": 4.5, "steps": [0, 14]},
        {"method": "skip_layer", "weight": 4.0, "blocks": [7, 8, 9], "steps": [14, 28]},
    ]
    times = flow_times({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}, 28, 4096)
    methods = resolve(TypeAdapter(Guidance).validate_python(guidance), times)
    counted = segment_forwards(Segment(0, tuple(methods)), {"main": Shape(24)}, times)
    assert counted == pytest.approx(14 * 2 + 14 * (1 + 14 / 24))
    assert round(counted, 2) == 50.17

"""A run killed at random moments, damaged and restarted ends in the bytes of an undisturbed one."""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_run import SPEC, write_latents

SCRIPT = Path(__file__).with_name("tiny_run.py")
LONG = SPEC | {"steps": 200, "snapshots": [50, 120, 200]}


def start(root: Path, name: str) -> subprocess.Popen:
    given = {
        "spec": LONG,
        "out": str(root / name),
        "state": str(root / f"state-{name}"),
        "latents": str(root / "latents"),
    }
    (root / name).mkdir(exist_ok=True)
    (root / f"{name}.json").write_text(json.dumps(given))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(SCRIPT), str(root / f"{name}.json")]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen) -> str:
    _, log = process.communicate(timeout=240)
    assert process.returncode == 0, log
    return log


def published(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def whole(tmp_path):
    write_latents(tmp_path / "latents")
    finish(start(tmp_path, "whole"))
    return published(tmp_path / "whole")


def kill_after_progress(process: subprocess.Popen, state: Path, delay: float) -> None:
    """SIGKILL `delay` seconds after the process has saved something of its own."""
    before = set(state.glob("0123/state-*"))
    while process.poll() is None and set(state.glob("0123/state-*")) <= before:
        time.sleep(0.005)
    time.sleep(delay)
    process.kill()
    process.communicate()


def test_sigkill_and_damage_leave_no_trace(tmp_path, whole):
    moments, state = random.Random(0), tmp_path / "state-killed"
    for _ in range(2):
        kill_after_progress(start(tmp_path, "killed"), state, moments.uniform(0, 0.4))
    newest = max(state.glob("0123/state-*.safetensors"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    log = finish(start(tmp_path, "killed"))
    assert f"{newest} is unusable (its checksum is wrong)" in log
    assert newest.with_suffix(".damaged").exists()
    assert published(tmp_path / "killed") == whole

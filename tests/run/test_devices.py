"""One job at a time on each GPU, with GPUs that nvidia-smi only claims to see."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from w2s.device import pick
from w2s.errors import UserError
from w2s.job import Execution
from w2s.metrics.score_registry import SCORES
from w2s.plan.kinds import KINDS, on_gpu
from w2s.run import devices
from w2s.run.devices import one_device, visible

GPUS = ["GPU-aa00", "GPU-ab11", "GPU-bb22"]
AUTO = Execution()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Gives this machine some GPUs, and a folder of its own for their leases."""
    monkeypatch.setattr(devices, "FOLDER", tmp_path / "leases")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")

    def has(*uuids, script=""):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        lines = script or "\n".join(f"echo {uuid}" for uuid in uuids)
        (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{lines}\n")
        (folder / "nvidia-smi").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    return has


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        (None, GPUS),
        ("1,0", ["GPU-ab11", "GPU-aa00"]),
        ("GPU-bb22", ["GPU-bb22"]),
        ("GPU-b, 0", ["GPU-bb22", "GPU-aa00"]),
        ("", []),
        ("-1", []),
        ("0,7,1", ["GPU-aa00"]),
        ("2,nonsense,1", ["GPU-bb22"]),
        ("MIG-cc/1/0", ["MIG-cc/1/0"]),
    ],
)
def test_what_is_visible_is_what_cuda_would_see(machine, monkeypatch, said, seen):
    machine(*GPUS)
    if said is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", said)
    assert [device.uuid for device in visible()] == seen
    entries = [device.entry for device in visible()]
    if said and seen:
        assert ",".join(entries) in said.replace(" ", "")


def test_without_a_driver_there_is_nothing_to_hold(machine, monkeypatch):
    machine(script="echo 'NVIDIA-SMI has failed'; exit 9")
    assert visible() == []
    monkeypatch.setenv("PATH", "")
    assert visible() == []
    with one_device(AUTO, wanted=True) as where:
        assert where == AUTO
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_a_driver_that_hangs_is_a_sentence(machine, monkeypatch):
    machine(script="exec sleep 60")
    monkeypatch.setattr(devices, "SECONDS", 0.2)
    with pytest.raises(UserError, match=r"does not answer within 0\.2 s"):
        visible()


def test_a_job_sees_the_first_free_gpu_alone_and_gives_it_back(machine):
    machine(*GPUS)
    with one_device(AUTO, wanted=True) as where:
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-aa00"
        assert where == replace(AUTO, device="cuda")
        assert [path.name for path in devices.FOLDER.iterdir()] == ["GPU-aa00"]
    assert list(devices.FOLDER.iterdir()) == []


@pytest.mark.parametrize("wanted", [True, False])
def test_no_lease_for_jobs_on_the_cpu(machine, wanted):
    machine(*GPUS)
    with one_device(replace(AUTO, device="cpu" if wanted else "auto"), wanted) as where:
        assert where.device in ("cpu", "auto")
        assert not devices.FOLDER.exists()


def test_a_numbered_device_is_that_one_of_the_visible(machine, monkeypatch):
    machine(*GPUS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,0")
    with one_device(replace(AUTO, device="cuda:1"), wanted=True) as where:
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
        assert where.device == "cuda"


def test_the_only_gpu_is_held_and_nothing_is_changed(machine, monkeypatch):
    machine(*GPUS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")  # as Slurm hands it out
    with one_device(AUTO, wanted=True) as where:
        assert where == AUTO
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
        assert [path.name for path in devices.FOLDER.iterdir()] == ["GPU-ab11"]


def test_a_slice_of_a_gpu_is_held_by_a_name_that_is_a_files(machine, monkeypatch):
    machine(*GPUS)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-cc/1/0")
    with one_device(AUTO, wanted=True):
        assert [path.name for path in devices.FOLDER.iterdir()] == ["MIG-cc-1-0"]


def test_a_number_that_is_not_there_is_refused_by_who_computes(machine, monkeypatch):
    machine("GPU-aa00")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with (
        one_device(replace(AUTO, device="cuda:4"), wanted=True) as where,
        pytest.raises(UserError, match=r"'cuda:4', but 1 CUDA .*set execution\.device"),
    ):
        pick(where.device)


@pytest.mark.parametrize("device", ["cuda", "cuda:0"])
def test_cuda_where_there_is_none_is_a_sentence(monkeypatch, device):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with pytest.raises(UserError, match=r"0 CUDA devices are visible here: set execution\.device"):
        pick(device)
    assert pick("auto").type == "cpu"


def test_scores_that_read_networks_hold_a_gpu_like_every_kind_that_does():
    heavy = {name for name, score in SCORES.items() if score.parameters}
    assert heavy == {name for name in SCORES if on_gpu("score", {"score": name})}
    assert heavy < SCORES.keys()
    others = KINDS.keys() - {"score"}
    assert all(on_gpu(kind, {}) is KINDS[kind].gpu for kind in others)


HOLD = """
import os, sys
from pathlib import Path
from w2s.job import Execution
from w2s.run import devices
devices.FOLDER, devices.PAUSE = Path("leases").absolute(), 0.01
with devices.one_device(Execution(), wanted=True):
    print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def job(machine, tmp_path, monkeypatch):
    """Starts a process that holds a GPU until it is told to end."""
    monkeypatch.chdir(tmp_path)
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("end", ["done", "killed"])
def test_jobs_take_different_gpus_and_one_too_many_waits(machine, job, end):
    machine(*GPUS[:2])
    first, second = job(), job()
    held = {first.stdout.readline().strip(), second.stdout.readline().strip()}
    assert held == set(GPUS[:2])
    third = job()
    waiting = third.stderr.readline()
    assert waiting.startswith("every GPU is in use (process ")
    assert f"process {first.pid} on " in waiting
    if end == "killed":
        first.send_signal(signal.SIGKILL)
        first.wait()
    else:
        first.communicate("\n")
    assert third.stdout.readline().strip() in held
    third.communicate("\n")
    second.communicate("\n")
    assert third.returncode == second.returncode == 0
    left = [path.name for path in Path("leases").iterdir()]
    assert left == []

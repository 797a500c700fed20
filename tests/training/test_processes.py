"""Two processes train what one does: the same samples and noise, up to the order of sums."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import torch
from tiny_run import SPEC, make_job, write_latents

from w2s.training import loop
from w2s.training.state import read

SHORT = SPEC | {"steps": 25, "snapshots": [10, 25]}


def run_two(root: Path) -> None:
    given = {"spec": SHORT, "out": "two", "state": "state-two", "latents": "latents"}
    (root / "two.json").write_text(json.dumps(given))
    (root / "two").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
        "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
    }  # fmt: skip
    script = str(Path(__file__).with_name("tiny_run.py"))
    processes = [
        subprocess.Popen(
            [sys.executable, script, "two.json"],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            cwd=root,
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=200) for process in processes] == [0, 0]


def test_two_processes_train_what_one_does(tmp_path):
    torch.set_num_threads(1)
    latents = write_latents(tmp_path / "latents")
    job = make_job(tmp_path, "one", SHORT, {"latents": latents})
    loop.build(job)
    run_two(tmp_path)
    one, two = (read(tmp_path / name / "state.safetensors")[0] for name in ("one", "two"))
    for name, value in one.items():
        if name.startswith("net/"):
            torch.testing.assert_close(two[name], value, atol=2e-4, rtol=1e-3)
    assert len(list((tmp_path / "two" / "snapshots").iterdir())) == 4

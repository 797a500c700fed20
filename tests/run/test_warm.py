"""A forked job is a cold one in all but time: same bytes, same fate, no survivors."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from w2s.plan.kinds import KINDS
from w2s.plan.nodes import Node
from w2s.plan.plan import Plan
from w2s.run import ask as client
from w2s.run import warm
from w2s.run.frozen import freeze
from w2s.store import folders

SERVER = """
import sys
from pathlib import Path
from dataclasses import replace
from w2s.cli import main
from w2s.run import warm
from w2s.plan.kinds import KINDS
KINDS["vae"] = replace(KINDS["vae"], builder="fated_builder:build", imports=())
warm.serve(Path(sys.argv[1]), ("numpy", "PIL.Image"), main)
"""
FATED = """
import os, pathlib, signal, sys, time
from w2s.errors import OutOfTime, UserError
def build(job):
    fate = job.spec["fate"]
    (job.out / "half").write_text("x")
    print("began", flush=True)
    if fate == "user error":
        raise UserError("a mistake")
    if fate == "out of time":
        raise OutOfTime("saved")
    if fate == "bug":
        raise RuntimeError("broken")
    if fate == "exit":
        sys.exit(7)
    if fate == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fate == "slow":
        pathlib.Path("pid").write_text(str(os.getpid()))
        time.sleep(60)
"""
CLIENT = "import sys; from w2s.run.ask import ask; sys.exit(ask(sys.argv[1:]))"
IMAGES = Node("images", {"count": 6, "resolution": 12, "seed": 0, "jitter": 0.25})
FATES = {"user error": 2, "out of time": 75, "bug": 1, "exit": 7, "killed": 137, "slow": 143}
NODES = {fate: Node("vae", {"fate": fate}) for fate in FATES}


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    planned = Plan("test")
    for node in (IMAGES, *NODES.values()):
        planned.add(node)
    return str(freeze(planned, {"threads": 1}))


@pytest.fixture
def server(plan, tmp_path, monkeypatch):
    """A warm process with light imports."""
    (tmp_path / "fated_builder.py").write_text(FATED)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path}
    (tmp_path / "socket").mkdir()
    address = tmp_path / "socket/warm"
    command = [sys.executable, "-c", SERVER, str(address)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(command, env=environment, **pipes)
    assert "startup_cpu_seconds" in json.loads(process.stdout.readline())
    monkeypatch.setenv(warm.ADDRESS, str(address))
    monkeypatch.setenv("PYTHONPATH", path)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def ask(*argv: str) -> subprocess.CompletedProcess:
    """What a client sees that has the warm process do something."""
    return subprocess.run([sys.executable, "-c", CLIENT, *argv], capture_output=True, text=True)


def wait_for(condition) -> None:
    for _ in range(300):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never happened")


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter if it ends as it is read
        return True


def test_a_warm_job_publishes_the_bytes_of_a_cold_one(server, plan):
    command = [sys.executable, "-m", "w2s", "render", IMAGES.key, "--plan", plan]
    done = subprocess.run(command, env={k: v for k, v in os.environ.items() if k != warm.ADDRESS})
    assert done.returncode == 0
    cold = folders.read_manifest("images", IMAGES.key)
    folders.remove("images", IMAGES.key)
    assert ask("render", IMAGES.key, "--plan", plan).returncode == 0
    folders.verify("images", IMAGES.key)
    forked = folders.read_manifest("images", IMAGES.key)
    assert forked["files"] == cold["files"]
    clock = {"start", "end", "seconds", "cpu_seconds", "startup_cpu_seconds", "peak_mb"}
    assert {k: v for k, v in forked.items() if k not in clock} == {
        k: v for k, v in cold.items() if k not in clock
    }


@pytest.mark.parametrize("fate", sorted(set(FATES) - {"slow"}))
def test_the_status_and_the_output_of_a_fork_are_the_clients(server, plan, fate):
    done = ask("vae", NODES[fate].key, "--plan", plan)
    assert done.returncode == FATES[fate]
    assert done.stdout == "began\n"
    assert ("w2s: a mistake" in done.stderr) is (fate == "user error")
    assert ("Traceback" in done.stderr) is (fate == "bug")
    assert not folders.present("vae", NODES[fate].key)
    assert server.poll() is None  # the warm process goes on


def test_bad_arguments_end_as_on_the_command_line(server):
    done = ask("no-such-verb")
    assert done.returncode == 2
    assert "invalid choice" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_end_of_the_client_ends_the_fork(server, plan, number):
    command = [sys.executable, "-c", CLIENT, "vae", NODES["slow"].key, "--plan", plan]
    client = subprocess.Popen(command)
    wait_for(lambda: Path("pid").exists() and Path("pid").read_text())
    fork = int(Path("pid").read_text())
    client.send_signal(number)
    client.wait()
    wait_for(lambda: gone(fork))
    assert list((folders.STORE / ".scratch").iterdir()) == []
    assert server.poll() is None


def test_the_server_ends_with_who_started_it_and_leaves_no_folder(server, tmp_path):
    server.stdin.close()  # as the end of a process does
    assert server.wait(timeout=30) == 0
    assert not (tmp_path / "socket").exists()
    assert client.ask(["anything"]) is None  # nobody listens any more


def test_without_a_warm_process_jobs_are_cold(monkeypatch, tmp_path):
    monkeypatch.delenv(warm.ADDRESS, raising=False)
    assert client.ask(["render"]) is None
    monkeypatch.setenv(warm.ADDRESS, str(tmp_path / "absent"))
    assert client.ask(["render"]) is None


def test_start_tells_the_children_where_to_ask(monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(warm.subprocess, "Popen", lambda command, **_: started.append(command))
    monkeypatch.setenv(warm.ADDRESS, "")
    warm.start(tmp_path / "logs/warm.log", ("json", "csv"))
    address = Path(os.environ[warm.ADDRESS])
    assert started == [[sys.executable, "-m", "w2s", "serve", str(address), "json", "csv"]]
    assert address.parent.is_dir()
    address.parent.rmdir()


def modules_after(script: str) -> set[str]:
    """What a fresh interpreter has imported after a script."""
    code = f"{script}\nimport sys, json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_only_what_the_jobs_need_is_imported():
    assert warm.imports_of([]) == warm.PUBLISHING
    images = warm.imports_of([IMAGES, IMAGES])
    assert set(images) - set(warm.PUBLISHING) == {
        "numpy", "PIL.Image", "w2s.run.build", "w2s.world.render",
    }  # fmt: skip
    assert len(images) == len(set(images))
    judged = warm.imports_of([Node("score", {"score": "hps"})])
    assert {"w2s.metrics.prompted.scorers", "w2s.metrics.score"} <= set(judged)
    told = warm.imports_of([Node("score", {"score": "words"})])
    assert "w2s.metrics.prompted.scorers" not in told
    assert {"w2s.metrics.prompted.words", "w2s.metrics.extractors"} <= set(told)


def test_a_run_that_only_publishes_imports_no_torch():
    assert "torch" not in modules_after(f"import {', '.join(warm.PUBLISHING)}")


def test_nothing_slow_is_left_to_jobs_on_prompts():
    """What builders and scores import inside of their work is there before them."""
    nodes = [Node(kind, {}) for kind in KINDS if kind != "score"]
    nodes += [Node("score", {"score": name}) for name in ("hps", "words", "clip_made")]
    there = modules_after(f"import {', '.join(warm.imports_of(nodes))}")
    assert {
        "diffusers.models.autoencoders.autoencoder_kl",
        "diffusers.models.transformers.transformer_sd3",
        "diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3",
        "transformers.models.clip.modeling_clip",
        "transformers.models.blip.modeling_blip",
        "open_clip",
        "torch_fidelity",
        "w2s.metrics.prompted.image_reward",
    } <= there


def test_a_client_imports_neither_the_command_line_nor_the_plan():
    ours = {name for name in modules_after("import w2s.__main__") if name.startswith("w2s")}
    assert ours == {"w2s", "w2s.__main__", "w2s.run", "w2s.run.ask"}

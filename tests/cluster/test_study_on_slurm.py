"""The commands of docs/cluster.md on a real Slurm, and what they end with."""

import re
import subprocess
import sys

import pytest
from run_folder import ROOT

pytestmark = pytest.mark.cluster
FIRST = (  # of every test run, and of no use in a test
    "git clone <this repository> && cd w2s",
    "make env && . .venv/bin/activate",
)


def page() -> list[str]:
    """The lines of all blocks, in order."""
    blocks = (ROOT / "docs" / "cluster.md").read_text().split("```")[1::2]
    return [line.strip() for block in blocks for line in block.strip().splitlines()]


def run(study, line: str) -> str:
    """What a command of the page says, at smoke scale."""
    words = re.sub(r"\bpaper\b", "smoke", line).split()
    if words[0] == "snakemake":
        words = [*study.command()[:4], *words[1:]]
    elif words[0] == "w2s":
        words = [sys.executable, "-m", *words]
    done = subprocess.run(
        words, cwd=study.path, env=study.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_the_pages_commands_end_with_the_bytes_of_a_local_run(cluster, fresh, finished):
    fresh.edit(("sampling: {", "gpus: 1\nsampling: {"))  # fake ones: the work is the CPU's
    driver = "".join(f"  {rule}: {{driver: 1}}\n" for rule in ("render", "index", "extract"))
    fresh.change_profile(("default-resources:", f"set-resources:\n{driver}default-resources:"))
    lines = page()
    assert tuple(lines[:2]) == FIRST
    said = [run(fresh, line) for line in lines[2:]]
    assert fresh.published() == finished.published()
    assert fresh.stored() == finished.stored()
    runs = [told for line, told in zip(lines[2:], said, strict=True) if "snakemake" in line]
    assert len(runs) == 2
    assert "Traceback" not in runs[0]
    assert "Warning" not in runs[0]
    assert "Nothing to be done" in runs[1]
    columns = "comment:100,tres-per-job:20,state:20,workdir:300"
    jobs = cluster.command("squeue", "--noheader", "--states=all", f"--Format={columns}")
    asked = {}
    for comment, gpus, state, folder in (line.split() for line in jobs.splitlines()):
        if folder != str(fresh.path):  # another test's jobs, which Slurm still remembers
            continue
        assert state == "COMPLETED", jobs
        asked.setdefault(comment.removeprefix("rule_").partition("_")[0], set()).add(gpus)
    # Decoding and metrics are in the job of the row's last segment, the rest on this machine.
    assert asked.keys() == {"vae", "encode", "features", "reference", "train", "sample", "row"}
    assert asked["train"] == asked["row"] == {"gres:gpu:1"}

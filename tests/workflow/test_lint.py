"""Snakemake's own linter finds nothing but what was decided otherwise."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DECIDED = {  # the software of every rule is the one locked environment that make installs
    "Specify a conda environment or container for each rule."
}


def test_the_rules_pass_snakemakes_lint():
    command = [sys.executable, "-m", "snakemake", "--lint", "text"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    output = done.stdout + done.stderr
    found = set(re.findall(r"^ +\* (.+):$", output, re.MULTILINE))
    assert found == DECIDED, output

"""Jobs know of the study what the process that drives knew when it began."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from w2s.errors import UserError
from w2s.run.start import start
from w2s.run.started import Started
from w2s.store import folders

FILE = "params.yaml"


@pytest.fixture
def started(study_folder) -> Started:
    return start(study_folder.root / FILE, {"scale": "smoke"})


def same(read: Started, started: Started) -> None:
    """Facts of groups come back as JSON has them; what they show is named by their keys."""
    assert replace(read, groups={}) == replace(started, groups={})
    assert read.groups.keys() == started.groups.keys()
    for name, group in read.groups.items():
        planned = started.groups[name]
        assert (group.key, group.paths, group.needs) == (planned.key, planned.paths, planned.needs)


def test_a_job_reads_all_that_the_driver_planned(started):
    same(Started.read(started.frozen), started)


def test_what_is_written_afterwards_into_the_parameters_is_not_read(started, study_folder):
    (study_folder.root / FILE).write_text("scale: none such\n")
    same(Started.read(started.frozen), started)


def test_only_the_store_is_looked_at_anew(started):
    node = next(iter(started.nodes.values()))
    assert started.absent == started.nodes.keys()
    manifest = folders.manifest_path(node.kind, node.key)
    manifest.parent.mkdir(parents=True)
    manifest.touch()
    assert started.nodes.keys() - Started.read(started.frozen).absent == {node.key}


def test_a_plan_that_was_removed_is_named(started):
    os.unlink(started.frozen)
    with pytest.raises(UserError, match="no such plan"):
        Started.read(started.frozen)


def test_what_a_jobs_rules_read_imports_nothing_slow(started):
    code = "import sys, w2s.run.warm, w2s.run.tokens, w2s.store.lease, w2s.artifacts.stages; "
    code += "from w2s.run.started import Started; Started.read(sys.argv[1])"
    code += "; print(sys.modules.keys() & {'pydantic', 'numpy', 'yaml', 'torch'})"
    done = subprocess.run(
        [sys.executable, "-c", code, started.frozen], check=True, capture_output=True, text=True
    )
    assert done.stdout == "set()\n"

"""The plan, read once, and what rules ask of it.

Snakemake only executes: a node runs if and only if its manifest is absent from the store.  So a job
names as inputs the absent ones alone of what it reads, and a study that is done costs no look at
its thousands of nodes; what is made meanwhile never makes a job run, every edge to a node being
ancient().  A node's output is a token (w2s.run.tokens): the store is not Snakemake's.  Published
files also follow a small key file, which sync_keys() renews when they show something other than
what is wanted.
"""

import os
import sys
from pathlib import Path

from w2s.run import warm
from w2s.run.started import FROZEN, Started
from w2s.run.tokens import token_path
from w2s.store import lease

if workflow.is_main_process:
    from w2s.params.load import find_params
    from w2s.run.start import start

    PLAN = start(find_params(workflow.basedir), config)
    os.environ[FROZEN] = PLAN.frozen
else:  # started for a job
    PLAN = Started.read(os.environ[FROZEN])
W2S = f"{sys.executable} -m w2s"


envvars:
    FROZEN,


# Priority above every node's: tables and pictures appear as soon as they can.
AT_ONCE = 10**6


def absent_tokens(keys):
    """The tokens of those of some nodes that are not in the store yet."""
    absent = [k for k in keys if k in PLAN.absent]
    return [ancient(str(token_path(PLAN.nodes[k].kind, k))) for k in absent]


def node_inputs(wildcards):
    """What a node waits for."""
    return absent_tokens(
        k for keys in PLAN.nodes[wildcards.key].inputs.values() for k in keys
    )


def urgency(wildcards):
    """Priority of a node's job: tables are finished in the order in which they are listed."""
    return PLAN.priority[wildcards.key]


def asked(name):
    """What the plan says that a node's job needs: mem_mb or minutes, more after each failure."""

    def needed(wildcards, attempt):
        return getattr(PLAN.resources[wildcards.key].grown(attempt), name)

    return needed


def joins(wildcards):
    """The group of what ends a row: one cluster job, each row's its own.  None for other nodes."""
    return "row" if wildcards.key in PLAN.chained else None


def time_limit(wildcards, resources):
    """Tells a cluster's job when it will be stopped; nobody stops a local one."""
    return f"--minutes {resources.runtime}" if workflow.remote_exec else ""


def on_driver(overwritten):
    """Rules that a profile's `set-resources` runs on the machine that drives."""
    return [rule for rule, asked in overwritten.items() if "driver" in asked]


def group_inputs(kind):
    """What a group of published files waits for."""

    def inputs(wildcards):
        return absent_tokens(PLAN.groups[f"{kind}/{'/'.join(wildcards)}"].needs)

    return inputs


def needs_of(group):
    """What one group of published files waits for, whatever the wildcards."""
    return lambda wildcards: absent_tokens(PLAN.groups[group].needs)


def table_files(table):
    """Paths of a table, its pictures and its cells."""
    rows = [g for g in PLAN.groups.values() if g.name.startswith(f"cells/{table}/")]
    return [path for g in [PLAN.groups[f"table/{table}"], *rows] for path in g.paths]


def sweep_files(kind):
    """Paths of what every part's sweep publishes of "weights" or "layers"."""
    groups = [g for g in PLAN.sweep if g.startswith(f"sweep/{kind}")]
    return [path for name in groups for path in PLAN.groups[name].paths]


def every_published_file(kind=""):
    """Paths of all published files of the study, or of those of one kind."""
    beside = {*PLAN.sweep, *PLAN.tune, *PLAN.confirm}
    groups = [g for g in PLAN.groups.values() if g.name not in beside]
    return [path for g in groups if g.name.startswith(kind) for path in g.paths]

"""The plan, read once, and what rules ask of it.

Snakemake only executes: a node runs if and only if its manifest is absent from the store, because
every edge into the store is ancient().  Published files also follow a small key file, which
sync_keys() renews when they show something other than what is wanted.
"""

import sys
from pathlib import Path

from w2s import lock, warm
from w2s.params.load import find_params
from w2s.plan.start import start
from w2s.store import manifest_path

PLAN = start(find_params(workflow.basedir), config, sync=workflow.is_main_process)
W2S = f"{sys.executable} -m w2s"
# Priority above every node's: tables and pictures appear as soon as they can.
AT_ONCE = 10**6


def node_inputs(kind):
    """The manifests of all nodes that a node of this kind reads."""

    def inputs(wildcards):
        keys = [k for keys in PLAN.nodes[wildcards.key].inputs.values() for k in keys]
        return [ancient(str(manifest_path(PLAN.nodes[k].kind, k))) for k in keys]

    return inputs


def urgency(wildcards):
    """Priority of a node's job: tables are finished in the order in which they are listed."""
    return PLAN.priority[wildcards.key]


def group_inputs(kind):
    """The manifests of all nodes that a group of published files shows."""

    def inputs(wildcards):
        needs = PLAN.groups[f"{kind}/{'/'.join(wildcards)}"].needs
        return [ancient(str(manifest_path(PLAN.nodes[k].kind, k))) for k in needs]

    return inputs


def every_published_file(kind=""):
    """Paths of all published files of the study, or of those of one kind."""
    asked = [g for g in PLAN.groups.values() if g.name not in PLAN.sweep]
    return [path for g in asked if g.name.startswith(kind) for path in g.paths]

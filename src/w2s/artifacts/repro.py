"""`w2s stage NAME`, which `dvc repro` runs: Snakemake decides what there is to do, DVC records."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from w2s.artifacts.bundle import bundle
from w2s.artifacts.cache import Cache
from w2s.artifacts.recall import adopt_bundled, recall
from w2s.artifacts.stages import STAGES, nodes_of, write_plan
from w2s.artifacts.tables import tidy, write_metrics
from w2s.errors import UserError
from w2s.params.parts import Study
from w2s.plan.plan import Plan
from w2s.plan.study import plan, plan_confirm, plan_sweep
from w2s.store.folders import present
from w2s.store.searches import planned_search

NAMES = ("plan", "tables", *STAGES)


def run_stage(name: str, study: Study) -> int:
    """Make, and put where DVC records it, what a stage of dvc.yaml has; returns an exit status.

    Raises:
        UserError: the data folder is no dependency of the stage `plan`, or a node is damaged.
    """
    if name not in NAMES:
        raise UserError(f"dvc.yaml has no stage {name}; it has {', '.join(NAMES)}")
    planned = plan(study)
    if name == "plan":
        refuse_unwatched_data(planned)
        write_plan(study, planned)
        return 0
    if name == "tables":
        if status := _snakemake("all"):
            return status
        beside = (plan_sweep(study), planned_search(study), plan_confirm(study))
        groups = [group for one in (planned, *beside) for group in one.groups.values()]
        tidy({path for group in groups for path in group.paths})
        write_metrics(planned.groups.values())
        return 0
    nodes, cache = list(nodes_of(planned, name)), Cache.here()
    back = adopt_bundled(n for n in nodes if not present(n.kind, n.key)) + recall(nodes, cache)
    if not all(present(node.kind, node.key) for node in nodes) and (status := _snakemake(name)):
        return status
    placed = bundle(name, nodes, cache)
    recalled = f"{back} of them recalled, " if back else ""
    print(f"{name}: {len(nodes)} nodes, {recalled}{placed} files placed in results/study/{name}")
    return 0


def refuse_unwatched_data(planned: Plan) -> None:
    """Refuse a data folder that is no dependency of the stage `plan`: DVC would not see it change.

    Raises:
        UserError: there is one; the text has the line to add.
    """
    stages = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]
    watched = [Path(dep) for dep in stages["plan"]["deps"]]
    indexes = (node for node in planned.nodes.values() if node.kind == "index")
    for folder in {Path(node.local["path"]) for node in indexes if "path" in node.local}:
        if not any(dep in (folder, *folder.parents) for dep in watched):
            raise UserError(
                f"DVC does not watch {folder}, which the study's images are read from: add "
                f"`- {folder}` to the deps of stage plan in dvc.yaml"
            )


def _snakemake(target: str) -> int:
    """Run it as a person would: the profile comes from SNAKEMAKE_PROFILE."""
    return subprocess.run([sys.executable, "-m", "snakemake", target]).returncode

"""Nodes of a small study on prompts, on a tiny pipeline's folder, as a plan to build them from."""

from pathlib import Path

from w2s.guidance.methods.apg import APG
from w2s.guidance.methods.cfg import CFG
from w2s.guidance.methods.skip_layer import SkipLayer
from w2s.pipelines.folder import read_folder
from w2s.pipelines.times import flow_times
from w2s.plan.nodes import Node
from w2s.plan.plan import Plan
from w2s.sampling.trajectories import encode, nets_of, versions

TEXTS = ["small red star", "large blue ring", "small red star", "ring on navy"]
SHAPE = (4, 6, 10)
METHODS = (
    CFG(weight=4.0),
    *(APG(weight=3.0, momentum=m) for m in (0.0, -0.5)),
    None,
    SkipLayer(blocks=(1,), weight=3.0),
)


def embeddings(plan: Plan, folder: Path, file: Path, **changes) -> str:
    """The nodes of the prompts in a file and of their embeddings; the latter's key."""
    rule = {"fingerprint": file.read_text(), "kind": "text", "count": None, "seed": None}
    prompts = plan.add(Node("prompts", rule, local={"path": str(file)}))
    spec = {"fingerprint": folder.name, "t5": False, "max_sequence_length": 5, "negative": ""}
    spec |= {"precision": "fp32", "batch": 2} | changes
    parents = {"prompts": (prompts,)}
    return plan.add(Node("embeddings", spec, parents, local={"path": str(folder)}))


def weights(plan: Plan, folder: Path) -> str:
    """The node of a folder's transformer; its key."""
    network = {**read_folder(folder).transformer, "latents": list(SHAPE), "text_tokens": 21}
    spec = {"kind": "pipeline", "fingerprint": folder.name, "network": network}
    return plan.add(Node("weights", spec, local={"path": str(folder)}))


def segment(
    plan: Plan, folder: Path, file: Path, methods=METHODS, weak=None, before=None, **changes
) -> str:
    """The node of samples of all prompts up to the end of `methods`, of five steps; its key.

    weak: folders of weak networks by name; before: the segment that it goes on from.
    """
    encoding = {k: changes.pop(k) for k in ("negative", "t5") if k in changes}
    parents = {"model": (weights(plan, folder),)}
    parents |= {f"weak:{name}": (weights(plan, weak[name]),) for name in nets_of(methods)}
    parents["embeddings"] = (embeddings(plan, folder, file, **encoding),)
    spec = {
        "times": list(flow_times({"shift": 3.0}, len(METHODS), 15)),
        "solver": "euler",
        "steps": encode(methods),
        "versions": versions(methods),
        "stop": len(methods),
        "seeds": [3, 8],
        "per_prompt": 2,
        "condition": "prompts",
        "prompts": len(file.read_text().splitlines()),
        "shard": 0,
        "of": 1,
        "batch": 4,
        "precision": "fp32",
        "state": "fp32",
        "compile": False,
        "shape": list(SHAPE),
    } | changes
    helpers = {"from": (before,)} if before else {}
    return plan.add(Node("segment", spec, parents, helpers))

"""The stages of dvc.yaml: which nodes each records, and the digests that say when one is stale."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from w2s.files import write_json, write_text
from w2s.plan.nodes import Node, digest

if TYPE_CHECKING:  # every job of a cluster reads the rules, which read this
    from w2s.params.parts import Study
    from w2s.plan.plan import Plan

STAGES = {
    "data": ("images", "index", "prompts", "points", "latents", "reference", "converted"),
    "networks": ("towers", "features", "clip", "vae", "train", "weights", "pipeline"),
    "samples": ("embeddings", "segment", "decoded"),
    "scores": ("judge", "probe", "metrics", "score"),
}
"""What each stage records, by kind."""
KEYS = Path("results/keys.json")  # a digest per stage: what dvc.yaml's stages depend on
PARAMETERS = Path("results/parameters.yaml")  # as resolved: what `dvc params diff` compares


STAGE = {kind: stage for stage, kinds in STAGES.items() for kind in kinds}
BUNDLES = Path("results/study")


def bundle_folder(node: Node) -> Path:
    """Where DVC records a node."""
    return BUNDLES / STAGE[node.kind] / node.kind / node.key


def nodes_of(planned: Plan, stage: str) -> Iterator[Node]:
    """The nodes of a plan that a stage records."""
    return (node for node in planned.nodes.values() if node.kind in STAGES[stage])


def digests(planned: Plan) -> dict[str, str]:
    """One digest per stage, of the names of all that it makes.

    So a parameter or a kind's version that gives other results counts; a comment, or a parameter
    that decides nothing, does not.
    """
    nodes = {stage: sorted(n.key for n in nodes_of(planned, stage)) for stage in STAGES}
    groups = sorted([group.name, group.key] for group in planned.groups.values())
    return {stage: digest(names) for stage, names in ({"tables": groups} | nodes).items()}


def write_plan(study: Study, planned: Plan) -> None:
    """Write the digests and the resolved parameters, where they are not as they should be."""
    import yaml

    write_json(KEYS, digests(planned))
    parts = {part.name: part.params.model_dump(mode="json") for part in study.parts}
    text = yaml.safe_dump({"scale": planned.scale, **parts}, sort_keys=False)
    write_text(PARAMETERS, text)

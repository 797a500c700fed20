"""Tokens: what Snakemake takes for the outputs of the jobs that make nodes.

Snakemake deletes a job's outputs before the job and after its failure, and the one that drives may
take for failed what another process has just published.  So it is given empty files of its working
folder, and never a file of the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from w2s.plan.nodes import Node
from w2s.store.folders import present

TOKENS = Path(".w2s/built")


def token_path(kind: str, key: str) -> Path:
    """The file that a job leaves once its node is in the store."""
    return TOKENS / kind / key


def drop_stale_tokens(nodes: Iterable[Node]) -> None:
    """Remove the tokens of nodes that have left the store since, or their jobs would not run.

    A token is looked for before its node: one that a run beside this leaves meanwhile stays.
    """
    for node in nodes:
        token = token_path(node.kind, node.key)
        if token.exists() and not present(node.kind, node.key):
            token.unlink(missing_ok=True)

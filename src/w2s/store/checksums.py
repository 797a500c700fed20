"""`w2s doctor --store`: verify every checksum; name and set aside what is damaged."""

from __future__ import annotations

from w2s.plan.kinds import KINDS
from w2s.store import folders


def check_store() -> tuple[str, int]:
    """Verify every published node; returns what to tell the user, and how many were damaged."""
    damaged, whole = [], 0
    for kind in KINDS:
        for folder in sorted((folders.STORE / kind).glob("*")):
            if not any(folder.iterdir()):
                continue  # made ready for a job that has not published yet
            try:
                folders.verify(kind, folder.name)
                whole += 1
            except folders.Damaged as damage:
                damaged.append(f"{damage}; moved to {folders.set_aside(kind, folder.name)}")
    lines = [*damaged, f"{whole} nodes are whole, {len(damaged)} damaged"]
    if damaged:
        lines.append("snakemake computes a damaged one anew when something to publish rests on it")
    return "\n".join(lines), len(damaged)

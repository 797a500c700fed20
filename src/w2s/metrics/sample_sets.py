"""Sample sets as segments leave them: shards together, in one order."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from w2s.errors import UserError


def load_samples(folders: list[Path]) -> dict[str, np.ndarray]:
    """x, index, label and seed of all shards, sorted by (seed, index).

    Raises UserError where shards overlap or leave gaps.
    """
    from safetensors import safe_open

    names = ("x", "index", "label", "seed")  # a state may hold a method's own tensors as well
    shards = []
    for folder in folders:
        with safe_open(folder / "state.safetensors", framework="numpy") as state:
            shards.append([state.get_tensor(name) for name in names])
    whole = [np.concatenate(parts) for parts in zip(*shards, strict=True)]
    samples = dict(zip(names, whole, strict=True))
    order = np.lexsort((samples["index"], samples["seed"]))
    samples = {name: values[order] for name, values in samples.items()}
    counts = np.unique(samples["seed"], return_counts=True)[1].tolist()
    within_seed = np.diff(samples["seed"]) == 0
    if len(set(counts)) != 1 or (np.diff(samples["index"])[within_seed] != 1).any():
        raise UserError(
            "the shards of this sample set do not fit together (samples twice or missing, "
            f"{counts} of the seeds): give the decoder every shard exactly once."
        )
    return samples

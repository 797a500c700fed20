"""Encoded data sets as training reads them: memory-mapped, resampled and normalised."""

import json
from pathlib import Path

import numpy as np


class Latents:
    """All shards of an encoded data set, addressed by row of the index, however it was cut.

    Normalised latents are ``(z - shift) * scale``: the VAE's published constants where it has
    some, otherwise those that give every channel zero mean and unit variance.
    """

    def __init__(self, dirs: list[Path]):
        """`dirs` are `latents` nodes that hold every row once.  Raises ValueError otherwise."""
        facts = [json.loads((path / "latents.json").read_text()) for path in dirs]
        rows = [np.load(path / "rows.npy") for path in dirs]
        labels = [np.load(path / "labels.npy") for path in dirs]
        order = np.concatenate(rows)
        if not np.array_equal(np.sort(order), np.arange(len(order))):
            raise ValueError(f"the shards {', '.join(map(str, dirs))} do not hold every row once")
        self._mean = [np.load(path / "mean.npy", mmap_mode="r") for path in dirs]
        self._std = [np.load(path / "std.npy", mmap_mode="r") for path in dirs]
        self._shard, self._place, self.labels = (np.empty(len(order), np.int64) for _ in range(3))
        for shard, (here, label) in enumerate(zip(rows, labels, strict=True)):
            self._shard[here], self._place[here] = shard, np.arange(len(here))
            self.labels[here] = label
        self.classes: int = facts[0]["classes"]
        self.channels: int = facts[0]["channels"]
        self.size: int = facts[0]["size"]
        self.flip = self._mean[0].ndim == 5
        self.shift, self.scale = _constants(facts)  # float32 (C,)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw each row's latent anew from its posterior, mirrored or not by chance.

        Returns normalised latents, float32 (n, C, h, w), and labels, int64 (n,).  The draw
        depends on `rng` and on the rows, not on the shards.
        """
        rows = np.asarray(rows)
        mirrored = rng.integers(2, size=len(rows)) if self.flip else np.zeros(len(rows), int)
        z = np.empty((len(rows), self.channels, self.size, self.size), np.float32)
        std = np.empty_like(z)
        for shard in np.unique(self._shard[rows]):
            here = self._shard[rows] == shard
            place = self._place[rows[here]]
            key = (place, mirrored[here]) if self.flip else place
            z[here], std[here] = self._mean[shard][key], self._std[shard][key]
        z += std * rng.standard_normal(z.shape, np.float32)
        return (z - _per_channel(self.shift)) * _per_channel(self.scale), self.labels[rows]

    def posteriors(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation (m, C, h, w) of every Gaussian that these rows are drawn from.

        Normalised; where latents are mirrored by chance each row has two.
        """
        found = []
        for stored, shift in ((self._mean, self.shift), (self._std, 0 * self.shift)):
            picked = [stored[self._shard[row]][self._place[row]] for row in rows]
            values = np.stack(picked).reshape(-1, self.channels, self.size, self.size)
            found.append((values - _per_channel(shift)) * _per_channel(self.scale))
        return found[0], found[1]

    def denormalise(self, z: np.ndarray) -> np.ndarray:
        """Normalised latents (n, C, h, w) in the VAE's own scale, as its decoder needs them."""
        return z / _per_channel(self.scale) + _per_channel(self.shift)


def _per_channel(values: np.ndarray) -> np.ndarray:
    return values[:, None, None]


def _constants(facts: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """Shift and scale, float32 (C,): published, or the moments of all shards together."""
    ones = np.ones(facts[0]["channels"], np.float32)
    if facts[0]["scale"] is not None:
        return ones * np.float32(facts[0]["shift"]), ones * np.float32(facts[0]["scale"])
    count = sum(fact["count"] for fact in facts)
    mean = np.sum([fact["sum"] for fact in facts], axis=0) / count
    variance = np.sum([fact["sum_sq"] for fact in facts], axis=0) / count - mean**2
    return mean.astype(np.float32), (1 / np.sqrt(variance)).astype(np.float32)

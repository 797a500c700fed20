"""Which samples, noise, times and dropped labels step k trains on: a function of (seed, k)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from w2s.conditions.base import Condition, Source

STEP, EPOCH = 0, 1  # streams of random numbers


def generator(seed: int, stream: int, position: int) -> np.random.Generator:
    """A generator whose numbers depend on its three arguments alone."""
    return np.random.Generator(np.random.Philox(key=[seed, 0], counter=[0, 0, stream, position]))


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> ndarray:
    return generator(seed, EPOCH, epoch).permutation(count)


def rows(seed: int, step: int, count: int, batch: int) -> ndarray:
    """Positions (batch,) of step `step` in `count` samples: each epoch is a new permutation."""
    place = np.arange(step * batch, (step + 1) * batch)
    epochs = place // count
    picked = np.empty(batch, dtype=np.int64)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        picked[here] = _order(seed, int(epoch), count)[place[here] % count]
    return picked


@dataclass(frozen=True)
class Batch:
    """What one process trains on in one step."""

    x: Tensor  # (N, C, H, W), x_t = (1 - t) x_0 + t eps
    u: Tensor  # (N, C, H, W), eps - x_0
    t: Tensor  # (N,) in [0, 1)
    condition: Condition  # given is null where it was dropped
    times: Tensor  # t on the CPU, so that choosing samples by window never waits for the device
    dropped: Tensor  # (N,) bool on the CPU, whether what is given was dropped

    def to(self, device: torch.device) -> Batch:
        """The same on a device, but for what stays on the CPU."""
        x, u, t = (part.to(device) for part in (self.x, self.u, self.t))
        given, null = (tuple(part.to(device) for part in parts) for parts in self.condition)
        return Batch(x, u, t, Condition(given, null), self.times, self.dropped)


@dataclass(frozen=True)
class Batches:
    """The batches of a run: `latents` has ``len()``, ``classes`` and ``batch(rows, rng)``.

    A label is the number of a condition of `source`, ``classes`` that of the null condition.
    Every process draws the whole batch and keeps each `world`-th sample from its `rank`, so that
    the number of processes does not change which samples and which noise a step sees.
    """

    latents: object
    source: Source
    seed: int
    size: int
    label_dropout: float  # share of the samples that train the null class
    conditional: bool  # False: all of them do
    device: torch.device
    rank: int = 0
    world: int = 1

    def draw(self, step: int) -> tuple[ndarray, ndarray, ndarray, ndarray]:
        """x_0, eps (both (size, C, h, w) float32), t and labels of all processes together."""
        rng = generator(self.seed, STEP, step)
        t = rng.random(self.size, dtype=np.float32)
        dropped = rng.random(self.size) < (self.label_dropout if self.conditional else 1)
        x0, labels = self.latents.batch(rows(self.seed, step, len(self.latents), self.size), rng)
        eps = rng.standard_normal(x0.shape, dtype=np.float32)
        return x0, eps, t, np.where(dropped, self.latents.classes, labels)

    def at(self, step: int) -> Batch:
        """This process's share of step `step`, still on the CPU."""
        share = slice(self.rank, None, self.world)
        x0, eps, t, y = (torch.from_numpy(part[share].copy()) for part in self.draw(step))
        level = t[:, None, None, None]
        dropped, condition = y == self.latents.classes, self.source.condition(y)
        return Batch((1 - level) * x0 + level * eps, eps - x0, t, condition, t, dropped)

    def run(self, start: int, stop: int) -> Iterator[Batch]:
        """The batches of steps [start, stop), the next one drawn while this one is used."""
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self.at, start)
            for step in range(start, stop):
                batch = coming.result()
                if step + 1 < stop:
                    coming = pool.submit(self.at, step + 1)
                yield batch.to(self.device)

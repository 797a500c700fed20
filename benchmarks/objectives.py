"""What a training step of each objective costs, relative to the plain step, in one run.

    python -m benchmarks.objectives [steps]

The mini scale's network (width 64, 6 blocks, 16 tokens, batch 64), one thread, the default
windows and scales; the objectives take turns, so that other load on the machine hits all alike.
Loss, gradient, AdamW and both averages are counted, drawing the batch is not.
"""

from __future__ import annotations

import sys
import time
from copy import deepcopy

import torch

from w2s.conditions.labels import Labels
from w2s.models.sit_network import SiT
from w2s.training.adamw import AdamW
from w2s.training.batches import Batch
from w2s.training.ema import PowerEMA
from w2s.training.objectives import objective_from
from w2s.training.objectives.base import HEAD_WEIGHT, mse
from w2s.training.signals import Taps, pushes


def windows(*each: dict) -> dict:
    return {"name": "windows", "windows": list(each)}


RECIPES = {
    "none": {"name": "none"},
    "none, with head": {"name": "none"},
    "br": {"name": "br"},
    "slg": {"name": "slg"},
    "ag, same size": {"name": "ag"},
    "mg": {"name": "mg"},
    "mg, EMA": {"name": "mg", "weak_ema": True},
    "sgg, tau 0.5": {"name": "sgg", "tau": 0.5},
    "sgg, tau 0.2": {"name": "sgg"},
    "sgg, tau 0.2, EMA": {"name": "sgg", "weak_ema": True},
    "sgg_code": {"name": "sgg_code"},
    "three windows": windows(
        {"window": [0.7, 1], "away_from": "unconditional", "scale": 0.2},
        {"window": [0.3, 0.7], "away_from": "skipped", "skip": [3], "scale": 0.2},
        {"window": [0, 0.3], "away_from": "head", "scale": 0.2},
    ),
}
CLASSES, SIZE = 30, 64


class Trainer:
    """One recipe's network and everything that a step touches."""

    def __init__(self, fields: dict, head: bool):
        torch.manual_seed(0)
        self.net = SiT(
            input_size=12, patch_size=3, in_channels=4, hidden_size=64, depth=6, num_heads=2,
            num_classes=CLASSES, head_at=3,
        )  # fmt: skip
        self.objective = objective_from(fields)
        self.head_weight = HEAD_WEIGHT if head or self.objective.reads_head else 0.0
        reads_head = bool(self.head_weight) or self.objective.teaches_head
        self.net.head.requires_grad_(reads_head)
        self.taps = Taps(self.net, reads_head, self.objective)
        self.ema, self.weak = PowerEMA(self.net, [0.05, 0.1]), deepcopy(self.net)
        self.adam, self.step, self.seconds = AdamW(self.net, (0.9, 0.99), 0.0), 0, []

    def train(self, batch: Batch) -> None:
        began = time.process_time()
        seen = self.taps(batch.x, batch.t, *batch.condition.given)
        push, _ = pushes(self.objective, batch, seen, self.net, self.ema.first, self.weak)
        loss = self.objective.loss(seen.v, batch.u, batch.t, push, seen.head).mean()
        if self.head_weight:
            loss = loss + self.head_weight * mse(seen.head, batch.u).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.adam.parameters, 1.0)
        self.adam.step(1e-3)
        self.step += 1
        self.ema.update(self.step)
        self.seconds.append(time.process_time() - began)


def random_batch() -> Batch:
    x, t = torch.randn(SIZE, 4, 12, 12), torch.rand(SIZE)
    y = torch.where(torch.rand(SIZE) < 0.1, CLASSES, torch.randint(CLASSES, (SIZE,)))
    return Batch(x, torch.randn_like(x), t, Labels(CLASSES).condition(y), t, y == CLASSES)


def main(steps: int) -> None:
    torch.set_num_threads(1)
    trainers = {name: Trainer(fields, "head" in name) for name, fields in RECIPES.items()}
    for _ in range(steps):
        batch = random_batch()
        for trainer in trainers.values():
            trainer.train(batch)
    medians = {n: sorted(t.seconds)[len(t.seconds) // 2] for n, t in trainers.items()}
    print(f"{'objective':<18} {'ms (CPU)':>9} {'relative':>9}")
    for name, seconds in medians.items():
        print(f"{name:<18} {1000 * seconds:>9.1f} {seconds / medians['none']:>9.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)

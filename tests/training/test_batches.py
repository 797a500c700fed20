"""Batches depend on the seed and the step alone, and processes share them out."""

import numpy as np
import torch
from tiny_run import write_latents

from w2s.conditions.labels import Labels
from w2s.data.latents import Latents
from w2s.training.batches import Batches, rows

CPU = torch.device("cpu")


def batches(folder, **changes):
    options = {"seed": 1, "size": 12, "label_dropout": 0.5, "conditional": True, "device": CPU}
    latents = Latents([folder])
    return Batches(latents, Labels(latents.classes), **options | changes)


def labels(batch):
    return batch.condition.given[0]


def equal(a, b):
    parts = all(torch.equal(getattr(a, part), getattr(b, part)) for part in ("x", "u", "t"))
    return parts and torch.equal(labels(a), labels(b))


def test_each_epoch_is_a_permutation():
    seen = np.concatenate([rows(0, step, 10, 4) for step in range(10)])  # four epochs of ten
    epochs = seen.reshape(4, 10)
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4
    assert sorted(rows(0, 0, 3, 6)) == [0, 0, 1, 1, 2, 2]  # fewer samples than a batch


def test_a_step_does_not_depend_on_those_before(tmp_path):
    made = batches(write_latents(tmp_path / "l"))
    straight = list(made.run(0, 6))
    assert equal(straight[4], next(made.run(4, 6)))
    assert not equal(straight[4], straight[5])
    assert not equal(straight[4], batches(tmp_path / "l", seed=2).at(4))


def test_processes_share_one_batch(tmp_path):
    whole = batches(write_latents(tmp_path / "l")).at(3)
    parts = [batches(tmp_path / "l", rank=rank, world=3).at(3) for rank in range(3)]
    for rank, part in enumerate(parts):
        assert torch.equal(part.x, whole.x[rank::3])
        assert torch.equal(labels(part), labels(whole)[rank::3])


def test_the_path_from_data_to_noise(tmp_path):
    made = batches(write_latents(tmp_path / "l"))
    batch, (x0, eps, t, _) = made.at(7), made.draw(7)
    level = t[:, None, None, None]
    np.testing.assert_allclose(batch.x, (1 - level) * x0 + level * eps, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(batch.u, eps - x0, rtol=1e-6)
    assert 0 <= t.min() < t.max() < 1


def test_labels_are_dropped_to_the_null_class(tmp_path):
    folder = write_latents(tmp_path / "l")

    def dropped(**changes):
        made = batches(folder, size=600, **changes)
        return float((labels(made.at(0)) == 3).float().mean())

    assert dropped(label_dropout=0.0) == 0
    assert 0.4 < dropped() < 0.6
    assert dropped(conditional=False) == 1

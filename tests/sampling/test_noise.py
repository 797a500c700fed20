import hashlib
import random

import numpy as np
import pytest
import torch

from w2s.conditions.labels import Labels
from w2s.sampling.noise import initial_noise, step_noise
from w2s.streams import streams

SHAPE = (3, 4, 4)
SAMPLES = [(seed, i) for seed in (0, 1) for i in range(6)]
FIRST = [0.19813407957553864, 0.3549967110157013, 0.45069581270217896]
LABELS = [732, 609, 451, 17, 535]


def test_a_sample_is_the_same_in_any_company():
    together = initial_noise(SAMPLES, SHAPE)
    alone = torch.cat([initial_noise([sample], SHAPE) for sample in reversed(SAMPLES)]).flip(0)
    assert torch.equal(together, alone)
    assert torch.equal(step_noise(SAMPLES, SHAPE, 3)[4:7], step_noise(SAMPLES[4:7], SHAPE, 3))
    assert torch.equal(
        Labels(7, "random").numbers(SAMPLES)[5:], Labels(7, "random").numbers(SAMPLES[5:])
    )


def philox(*identity):
    """numpy's own generator for one draw, made anew from the documented key."""
    key = hashlib.blake2b(repr(identity).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))


@pytest.mark.parametrize("sample", [(0, 0), (5, 49_999), (2**63, 1)])
def test_the_bits_are_those_of_the_documented_generator(sample):
    draws = {
        ("initial", *sample): initial_noise([(1, 1), sample], SHAPE)[1],
        ("step", *sample, 7): step_noise([(1, 1), sample], SHAPE, 7)[1],
    }
    for identity, drawn in draws.items():
        want = philox(*identity).standard_normal(SHAPE, dtype=np.float32)
        assert np.array_equal(drawn.numpy(), want)
    assert Labels(1000, "random").numbers([(1, 1), sample])[1] == philox("label", *sample).integers(
        1000
    )


def test_the_bits_do_not_change_with_the_versions_of_libraries():
    assert initial_noise([(0, 0)], (3,))[0].tolist() == FIRST
    assert Labels(1000, "random").numbers([(0, i) for i in range(5)]).tolist() == LABELS


def test_no_two_of_many_draws_are_alike():
    """By their first two values: among 50,000 samples seeded by 32 bits some pairs agree."""
    samples = [(seed, i) for seed in range(4) for i in range(50_000)]
    for drawn in (initial_noise(samples, (2,)), step_noise(samples[:50_000], (2,), 249)):
        assert len(np.unique(drawn.numpy().view(np.uint64))) == len(drawn)


def test_every_part_of_an_identity_counts():
    draws = [initial_noise(SAMPLES, SHAPE), *(step_noise(SAMPLES, SHAPE, k) for k in range(3))]
    assert len({tuple(row.flatten().tolist()) for draw in draws for row in draw}) == 48


def distance(values, distribution):
    """Kolmogorov-Smirnov's: the largest gap between an empirical and a given distribution."""
    ordered = values.flatten().double().sort().values
    want = distribution(ordered)
    steps = torch.arange(len(ordered) + 1).double() / len(ordered)
    return max((steps[1:] - want).max(), (want - steps[:-1]).max()).item()


def test_the_noise_is_standard_normal_within_and_across_samples():
    noise = initial_noise([(3, i) for i in range(2000)], SHAPE)
    count = noise.numel()  # 96,000; bounds at four standard errors
    assert abs(noise.mean()) < 4 / count**0.5
    assert abs(noise.var() - 1) < 4 * (2 / count) ** 0.5
    assert distance(noise, torch.special.ndtr) < 1.95 / count**0.5  # one in a thousand
    assert distance(noise[:, 0, 0, 0], torch.special.ndtr) < 1.95 / 2000**0.5
    assert abs((noise[1:] * noise[:-1]).mean()) < 4 / count**0.5
    later = step_noise([(3, i) for i in range(2000)], SHAPE, 0)
    assert abs((noise * later).mean()) < 4 / count**0.5


def test_streams_do_not_disturb_the_global_generators():
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    before = (torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist())
    list(streams("initial", SAMPLES))
    initial_noise(SAMPLES, SHAPE)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before[1:]


def test_balanced_labels_cycle_and_random_ones_cover_the_classes():
    assert Labels(4, "balanced").numbers(SAMPLES).tolist() == [0, 1, 2, 3, 0, 1] * 2
    drawn = Labels(4, "random").numbers([(0, i) for i in range(400)])
    assert drawn.dtype == torch.int64
    assert drawn.bincount(minlength=4).min() > 70

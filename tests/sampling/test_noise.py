import torch

from w2s.sampling.noise import draw_labels, initial_noise, step_noise

SHAPE = (3, 4, 4)
SAMPLES = [(seed, i) for seed in (0, 1) for i in range(6)]


def test_a_sample_is_the_same_in_any_company():
    together = initial_noise(SAMPLES, SHAPE)
    alone = torch.cat([initial_noise([sample], SHAPE) for sample in reversed(SAMPLES)]).flip(0)
    assert torch.equal(together, alone)
    assert torch.equal(step_noise(SAMPLES, SHAPE, 3)[4:7], step_noise(SAMPLES[4:7], SHAPE, 3))
    assert torch.equal(draw_labels(SAMPLES, 7, "random")[5:], draw_labels(SAMPLES[5:], 7, "random"))


def test_no_two_draws_are_alike():
    draws = [initial_noise(SAMPLES, SHAPE), *(step_noise(SAMPLES, SHAPE, k) for k in range(3))]
    assert len({tuple(row.flatten().tolist()) for draw in draws for row in draw}) == 48


def test_the_noise_is_standard_normal():
    noise = initial_noise([(3, i) for i in range(500)], SHAPE)
    assert abs(noise.mean()) < 0.02
    assert abs(noise.std() - 1) < 0.02
    assert abs((noise[1:] * noise[:-1]).mean()) < 0.02


def test_balanced_labels_cycle_and_random_ones_cover_the_classes():
    assert draw_labels(SAMPLES, 4, "balanced").tolist() == [0, 1, 2, 3, 0, 1] * 2
    drawn = draw_labels([(0, i) for i in range(400)], 4, "random")
    assert drawn.dtype == torch.int64
    assert drawn.bincount(minlength=4).min() > 70

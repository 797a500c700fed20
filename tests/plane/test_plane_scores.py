"""Scores: the floor that a true sample has, closed forms, and what each of them notices."""

import math

import numpy as np
import pytest
import torch

from w2s.metrics.point_registry import POINT_SCORES
from w2s.plane.counts import NEIGHBOURS, PER_POINT
from w2s.plane.errors import Errors
from w2s.plane.scores import Judge, energy_distance
from w2s.plane.tree import WORLDS, balanced

COUNT = 2400
TRUTH = WORLDS["few"].grow()
LABELS = balanced(COUNT, 4)
SEEDS = range(8)


@pytest.fixture(scope="module")
def judge():
    return Judge(TRUTH, COUNT)


@pytest.fixture(scope="module")
def floor(judge):
    """Scores of true samples."""
    return [judge.score(TRUTH.draw(LABELS, seed), LABELS) for seed in SEEDS]


def mean_and_error(scores, name):
    values = [score[name] for score in scores]
    return np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values))


def test_a_true_sample_has_the_floor_that_is_known(floor):
    own = COUNT // 4
    near = round(PER_POINT * COUNT) // 4
    # Naeem et al. 2020, eq. 5: no sample among the k + 1 nearest of both kinds.
    missed = math.prod((near - 1 - k) / (own + near - 1 - k) for k in range(NEIGHBOURS))
    known = {"off_support": 0.005, "coverage": 1 - missed, "energy": 0, "spread": 1, "norm": 1}
    for name, value in known.items():
        mean, error = mean_and_error(floor, name)
        # The judge's own points err as well, less than one sample does.
        assert abs(mean - value) < 4 * error * math.sqrt(1 + len(floor) / 4), name
    assert [list(score) for score in floor] == [list(POINT_SCORES)] * len(floor)


def test_wrong_class_is_the_bayes_error_of_a_true_sample(floor):
    """Estimated on points of its own: the mean posterior of all classes but the likeliest."""
    from w2s.plane.mixture import Mixture

    x = torch.from_numpy(TRUTH.draw(balanced(40_000, 4), 99))
    expected = 1 - float(Mixture(TRUTH).class_posterior(x, 0.0).amax(1).mean())
    mean, error = mean_and_error(floor, "wrong_class")
    assert abs(mean - expected) < 5 * error


def test_points_of_another_class_are_wrong_and_off_support(judge):
    points = TRUTH.draw((LABELS + 1) % 4, 0)
    score = judge.score(points, LABELS)
    assert score["wrong_class"] > 0.95
    assert score["off_support"] > 0.9
    assert score["coverage"] < 0.1
    assert score["norm"] == pytest.approx(judge.score(points, (LABELS + 1) % 4)["norm"])


def test_each_error_is_noticed_by_its_score(judge, floor):
    best = {name: np.mean([score[name] for score in floor]) for name in POINT_SCORES}

    def of(**errors):
        return judge.score(Errors(**errors).applied(TRUTH).draw(LABELS, 1), LABELS)

    smooth, blur, shallow = of(smooth=0.05), of(blur=0.2), of(shallow=2)
    assert smooth["off_support"] > 10 * best["off_support"]
    assert blur["wrong_class"] > best["wrong_class"] + 0.1
    assert blur["energy"] > 10
    assert blur["spread"] > 1.1
    assert shallow["coverage"] < best["coverage"] - 0.1
    assert shallow["mode_tv"] > best["mode_tv"] + 0.1


def test_scales_are_read_off_stretched_points(judge):
    points = TRUTH.draw(LABELS, 2)
    plain, double = judge.score(points, LABELS), judge.score(2 * points, LABELS)
    assert double["spread"] == pytest.approx(2 * plain["spread"])
    assert double["norm"] == pytest.approx(2 * plain["norm"])


def test_one_mode_alone_leaves_the_weight_of_the_others(judge):
    """Points in the middle of one far Gaussian of each class."""
    far = [
        int(np.argmax(np.where(TRUTH.weights[c] > 0, np.hypot(*TRUTH.means.T), 0)))
        for c in range(4)
    ]
    score = judge.score(TRUTH.means[far][LABELS], LABELS)
    weights = TRUTH.weights[range(4), far]
    # Its neighbours on the branch have a small share of the posterior there.
    assert score["mode_tv"] == pytest.approx(1 - weights.mean(), abs=0.06)
    assert score["spread"] == pytest.approx(0, abs=1e-6)


def test_the_order_of_points_does_not_matter(judge):
    points = TRUTH.draw(LABELS, 4)
    order = np.random.default_rng(0).permutation(COUNT)
    shuffled = judge.score(points[order], LABELS[order])
    assert shuffled == pytest.approx(judge.score(points, LABELS), abs=1e-9)


def test_energy_distance_is_its_definition():
    x, y = (torch.from_numpy(np.random.default_rng(s).normal(s, 1, (7, 2))) for s in (0, 1))
    y = y[:5]

    def mean(a, b, same):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (same and i == j)]
        return sum(math.dist(a[i].tolist(), b[j].tolist()) for i, j in pairs) / len(pairs)

    expected = 2 * mean(x, y, False) - mean(x, x, True) - mean(y, y, True)
    assert energy_distance(x, y) == pytest.approx(expected)


def test_energy_distance_of_equal_laws_is_zero_on_average():
    rng = np.random.default_rng(0)
    draws = [torch.from_numpy(rng.normal(size=(2, 40, 2))) for _ in range(300)]
    values = [energy_distance(x, y) for x, y in draws]
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(len(values))


@pytest.mark.parametrize("count", [12, 12_001])
def test_sets_that_cannot_be_judged_are_refused(count):
    with pytest.raises(ValueError, match="cannot judge"):
        Judge(TRUTH, count)


def test_other_sets_than_the_announced_are_refused(judge):
    with pytest.raises(ValueError, match="judges 2400 points"):
        judge.score(np.zeros((10, 2)), LABELS[:10])
    with pytest.raises(ValueError, match="at least two of each class"):
        judge.score(np.zeros((COUNT, 2)), np.zeros(COUNT, dtype=int))

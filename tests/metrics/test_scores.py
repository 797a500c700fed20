"""Scorers give what the papers define and what torch-fidelity gives."""

import numpy as np
import pytest
import torch
from naive_scores import naive_frechet, naive_kid, naive_share_inside
from torch_fidelity.metric_prc import prc_features_to_metric

from w2s.metrics.heads import class_heads
from w2s.metrics.real import Real
from w2s.metrics.registry import METRICS
from w2s.metrics.scores import radii, statistics
from w2s.metrics.settings import MetricSettings

SETTINGS = MetricSettings(
    metrics=("fd",), kid_subset_size=12, kid_subsets=4, prc_neighbourhood=2, seed=5
)


def normal(n, d, mean=0.0, std=1.0, seed=0):
    return np.random.default_rng(seed).normal(mean, std, (n, d)).astype(np.float32)


def real_of(features, heads=None, k=SETTINGS.prc_neighbourhood):
    outputs = {"features": features, "spatial": features[:, :2]}
    return Real(features, statistics(outputs), radii(features, k), heads)


def score(metric, samples, real, settings=SETTINGS):
    return METRICS[metric].load()(samples, real, settings)


def test_metrics_equal_independent_naive_ones():
    generated, real = normal(30, 4, 0.5, seed=3), normal(40, 4, 0, 1.3, seed=4)
    samples = {"features": generated, "spatial": generated[:, 1:3]}
    known = real_of(real)
    found = {name: score(name, samples, known) for name in ("fd", "sfd", "kid")}
    assert found["fd"] == pytest.approx(naive_frechet(generated, real), rel=1e-5)
    assert found["sfd"] == pytest.approx(naive_frechet(generated[:, 1:3], real[:, :2]), rel=1e-5)
    assert found["kid"] == pytest.approx(naive_kid(generated, real, 4, 12, 5), rel=1e-4)
    precision, recall = score("precision", samples, known), score("recall", samples, known)
    assert precision == pytest.approx(naive_share_inside(generated, real, 2), abs=1e-6)
    assert recall == pytest.approx(naive_share_inside(real, generated, 2), abs=1e-6)
    assert 0 < recall < 1


@pytest.mark.parametrize(("n", "reference", "k"), [(60, 300, 3), (300, 60, 5), (90, 90, 1)])
def test_precision_and_recall_in_two_parts_are_torch_fidelitys(n, reference, k):
    generated, real = normal(n, 8, 0.3, seed=1), normal(reference, 8, seed=2)
    whole = prc_features_to_metric(
        *map(torch.from_numpy, (generated, real)),
        prc_neighborhood=k,
        save_cpu_ram=True,
        verbose=False,
    )
    settings = MetricSettings(prc_neighbourhood=k)
    known = real_of(real, k=k)
    for name in ("precision", "recall"):
        found = score(name, {"features": generated}, known, settings)
        assert found == whole[name]  # exactly
    assert 0 < whole["recall"] < 1


def test_identical_sets_are_at_distance_zero():
    same = normal(50, 8)
    found = [score(m, {"features": same}, real_of(same)) for m in ("fd", "precision", "recall")]
    assert found == [pytest.approx(0, abs=1e-6), 1.0, 1.0]


def test_fd_against_given_statistics_is_the_closed_form():
    """Normal laws with covariances that commute: |m1 - m2|^2 + sum (s1 - s2)^2."""
    signs = np.array([[i >> b & 1 for b in range(4)] for i in range(16)]) * 2 - 1
    spread = np.array([1.0, 2.0, 0.5, 3.0])
    samples = (signs * spread).astype(np.float32)  # mean 0, covariance diagonal
    variance = spread**2 * 16 / 15
    mean, other = np.array([1.0, -2.0, 0.0, 0.5]), np.array([4.0, 1.0, 0.25, 2.0])
    stats = {"mu": mean.astype(np.float32), "sigma": np.diag(other)}
    found = score("fd", {"features": samples}, Real(samples, stats, np.zeros(16)))
    closed = (mean**2).sum() + ((np.sqrt(variance) - np.sqrt(other)) ** 2).sum()
    assert found == pytest.approx(closed, rel=1e-6)


def test_accuracy_and_confidence_are_the_heads():
    logits = np.log([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]).astype(np.float32)
    samples = {"logits": logits, "labels": np.array([0, 1, 1])}
    known = real_of(normal(5, 4), class_heads(["a", "b"]))
    assert score("accuracy", samples, known) == pytest.approx(2 / 3)
    assert score("confidence", samples, known) == pytest.approx((0.9 + 0.8 + 0.4) / 3)


def test_the_inception_score_of_sure_and_even_predictions_is_the_number_of_classes():
    settings = MetricSettings(isc_splits=2)
    sure = {"logits": 50 * np.tile(np.eye(4, dtype=np.float32), (6, 1))}
    blind = {"logits": np.zeros((24, 4), np.float32)}
    known = real_of(normal(5, 4))
    assert score("isc", sure, known, settings) == pytest.approx(4, rel=1e-6)
    assert score("isc", blind, known, settings) == pytest.approx(1)
    sorted_by_class = {"logits": np.repeat(50 * np.eye(4, dtype=np.float32), 6, 0)}
    assert score("isc", sorted_by_class, known, settings) == pytest.approx(2)  # not shuffled

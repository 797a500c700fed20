"""The scorers of all metrics, by torch-fidelity's own functions on extracted features.

A scorer takes the arrays of one seed's samples by name (features (n, d), spatial (n, s), logits
(n, k), float32, and labels (n,)), the reference and the settings, and returns the metric's value.
Importing this module imports torch_fidelity (seconds): builders do so where they need it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch_fidelity.metric_fid import (
    KEY_METRIC_FID,
    fid_features_to_statistics,
    fid_statistics_to_metric,
)
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
from torch_fidelity.metric_prc import calc_cdist_part

from w2s.metrics.real import Real
from w2s.metrics.settings import MetricSettings

Samples = dict[str, np.ndarray]
STATISTICS = {"features": ("mu", "sigma"), "spatial": ("mu_s", "sigma_s")}  # ADM's own names
BLOCK = 10_000  # rows and columns of distances held at once, as in torch-fidelity


def fd(samples: Samples, real: Real, settings: MetricSettings) -> float:
    """Frechet distance of the features' normal approximations."""
    return _frechet(samples, real, "features")


def sfd(samples: Samples, real: Real, settings: MetricSettings) -> float:
    """The same of the spatial features."""
    return _frechet(samples, real, "spatial")


def kid(samples: Samples, real: Real, settings: MetricSettings) -> float:
    """Mean unbiased squared MMD of random subsets under a cubic kernel."""
    return kid_features_to_metric(
        torch.from_numpy(samples["features"]),
        torch.from_numpy(real.features),
        kid_subsets=settings.kid_subsets,
        kid_subset_size=settings.kid_subset_size,
        rng_seed=settings.seed,
        verbose=False,
    )[KEY_METRIC_KID_MEAN]


def precision(samples: Samples, real: Real, settings: MetricSettings) -> float:
    """Share of samples that lie in the manifold of all of the reference's images."""
    return _share_inside(samples["features"], real.features, real.radii)


def recall(samples: Samples, real: Real, settings: MetricSettings) -> float:
    """Share of the reference's images that lie in the samples' manifold."""
    own = samples["features"]
    return _share_inside(real.features, own, radii(own, settings.prc_neighbourhood))


def accuracy(samples: Samples, real: Real, settings: MetricSettings) -> float:
    """How often the network sees the class that was asked for."""
    return real.heads.judge(samples["logits"], samples["labels"])[0]


def confidence(samples: Samples, real: Real, settings: MetricSettings) -> float:
    """How surely it does."""
    return real.heads.judge(samples["logits"], samples["labels"])[1]


def isc(samples: Samples, real: Real, settings: MetricSettings) -> float:
    """Inception score over consecutive splits, as ADM's evaluation; the library's own shuffles."""
    logits = torch.from_numpy(samples["logits"])
    return isc_features_to_metric(logits, settings.isc_splits, shuffle=False)[KEY_METRIC_ISC_MEAN]


def statistics(outputs: Samples) -> Samples:
    """Mean (float32) and covariance (float64) of features and, where there are any, spatial."""
    result = {}
    for name in STATISTICS.keys() & outputs.keys():
        found = fid_features_to_statistics(torch.from_numpy(outputs[name]))
        result |= zip(STATISTICS[name], (found["mu"], found["sigma"]), strict=True)
    return dict(sorted(result.items()))


def radii(features: np.ndarray, neighbourhood: int) -> np.ndarray:
    """Distance of each row of (n, d) to its k-th nearest other one, float32 (n,); k < n.

    With `_share_inside` this is torch-fidelity's precision and recall in two parts, so that the
    reference's half of the work is done once and not for every sample set.
    """
    every = torch.from_numpy(features)
    parts = [
        calc_cdist_part(part, every, BLOCK).kthvalue(neighbourhood + 1).values
        for part in every.split(BLOCK)
    ]
    return torch.cat(parts).numpy()


def _share_inside(points: np.ndarray, centres: np.ndarray, around: np.ndarray) -> float:
    """Share of the points that lie in a ball around any centre."""
    balls, sizes = torch.from_numpy(centres), torch.from_numpy(around)
    parts = [
        (calc_cdist_part(part, balls, BLOCK) <= sizes).any(dim=1).float()
        for part in torch.from_numpy(points).split(BLOCK)
    ]
    return torch.cat(parts).mean().item()


def _frechet(samples: Samples, real: Real, name: str) -> float:
    mu, sigma = STATISTICS[name]
    return fid_statistics_to_metric(
        fid_features_to_statistics(torch.from_numpy(samples[name])),
        {"mu": real.stats[mu], "sigma": real.stats[sigma]},
        verbose=False,
    )[KEY_METRIC_FID]

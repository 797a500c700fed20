"""Every metric of one set of samples, by torch-fidelity's own functions on extracted features.

Importing this module imports torch_fidelity (seconds): builders do so where they need it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch_fidelity.metric_fid import (
    KEY_METRIC_FID,
    fid_features_to_statistics,
    fid_statistics_to_metric,
)
from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, isc_features_to_metric
from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, kid_features_to_metric
from torch_fidelity.metric_prc import (
    KEY_METRIC_PRECISION,
    KEY_METRIC_RECALL,
    prc_features_to_metric,
)

from w2s.metrics.heads import Heads
from w2s.metrics.settings import MetricSettings

Outputs = dict[str, np.ndarray]  # what Network.extract gives: features, logits, perhaps spatial
STATISTICS = {"features": ("mu", "sigma"), "spatial": ("mu_s", "sigma_s")}


def statistics(outputs: Outputs) -> Outputs:
    """Mean (float32) and covariance (float64) of features and, where there are any, spatial."""
    result = {}
    for name in STATISTICS.keys() & outputs.keys():
        found = fid_features_to_statistics(torch.from_numpy(outputs[name]))
        result |= zip(STATISTICS[name], (found["mu"], found["sigma"]), strict=True)
    return dict(sorted(result.items()))


class Reference:
    """Real images' features (n, d) and statistics, from a node of kind reference."""

    def __init__(self, folder: Path):
        self.features = np.load(folder / "features.npy")
        with np.load(folder / "stats.npz") as stats:
            self.stats = dict(stats)


def score(
    outputs: Outputs,
    labels: np.ndarray,
    reference: Reference,
    heads: Heads | None,
    settings: MetricSettings,
) -> dict[str, float]:
    """The metrics that `settings` names, in its order.

    Heusel et al., arXiv 1706.08500 (fd); Nash et al., 2103.03841 (sfd); Binkowski et al.,
    1801.01401 (kid, unscaled); Kynkäänniemi et al., 1904.06991 (precision, recall); Salimans et
    al., 1606.03498 (isc).  All of the reference's features span the real manifold of precision and
    recall.  `heads` is needed for accuracy and confidence alone.
    """
    generated, real = torch.from_numpy(outputs["features"]), torch.from_numpy(reference.features)
    found: dict[str, float] = {}
    wanted = set(settings.metrics)
    for metric, name in (("fd", "features"), ("sfd", "spatial")):
        if metric in wanted:
            found[metric] = _frechet(outputs[name], reference.stats, *STATISTICS[name])
    if "kid" in wanted:
        found["kid"] = kid_features_to_metric(
            generated,
            real,
            kid_subsets=settings.kid_subsets,
            kid_subset_size=settings.kid_subset_size,
            rng_seed=settings.seed,
            verbose=False,
        )[KEY_METRIC_KID_MEAN]
    if wanted & {"precision", "recall"}:
        manifolds = prc_features_to_metric(
            generated,
            real,
            prc_neighborhood=settings.prc_neighbourhood,
            save_cpu_ram=True,
            verbose=False,
        )
        found["precision"] = manifolds[KEY_METRIC_PRECISION]
        found["recall"] = manifolds[KEY_METRIC_RECALL]
    if wanted & {"accuracy", "confidence"}:
        found["accuracy"], found["confidence"] = heads.judge(outputs["logits"], labels)
    if "isc" in wanted:
        # ADM's evaluation scores consecutive splits; torch-fidelity's default shuffles.
        logits = torch.from_numpy(outputs["logits"])
        scores = isc_features_to_metric(logits, settings.isc_splits, shuffle=False)
        found["isc"] = scores[KEY_METRIC_ISC_MEAN]
    return {metric: found[metric] for metric in settings.metrics}


def _frechet(values: np.ndarray, stats: Outputs, mu: str, sigma: str) -> float:
    return fid_statistics_to_metric(
        fid_features_to_statistics(torch.from_numpy(values)),
        {"mu": stats[mu], "sigma": stats[sigma]},
        verbose=False,
    )[KEY_METRIC_FID]

"""The columns a table can have: what each metric needs, what computes it, how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from w2s.metrics.columns import Column

Network = Literal["trained", "inception-v3-compat", "dinov2"]
ANY: tuple[Network, ...] = ("trained", "inception-v3-compat")
OWN: tuple[Network, ...] = ("trained",)  # the 2015 graph's 1008 outputs know no class of ours
INCEPTION: tuple[Network, ...] = ("inception-v3-compat",)
DINOV2: tuple[Network, ...] = ("dinov2",)  # a part has it beside one of the others


@dataclass(frozen=True)
class Metric(Column):
    """One column.  A metric without a scorer is counted from the plan, not measured on samples."""

    scorer: str | None = None  # module:function, imported where it is used
    needs: tuple[str, ...] = ()  # arrays of a decoded sample set that it reads
    networks: tuple[Network, ...] = ()  # feature networks that it can be measured with
    settings: tuple[str, ...] = ()  # keys of MetricSettings that change it
    source: str = ""

    def load(self):
        """The scorer: (samples, reference, settings) -> float; see `w2s.metrics.scores`."""
        module, _, function = self.scorer.partition(":")
        return getattr(import_module(module), function)


METRICS: dict[str, Metric] = {
    "fd": Metric(
        "FD", "lower", 2, "w2s.metrics.scores:fd", ("features",), ANY,
        source="Heusel et al., arXiv 1706.08500",
    ),
    "fd_dinov2": Metric(
        "FD-DINOv2", "lower", 1, "w2s.metrics.scores:fd", ("features",), DINOV2,
        source="Stein et al., arXiv 2306.04675",
    ),
    "sfd": Metric(
        "sFD", "lower", 2, "w2s.metrics.scores:sfd", ("spatial",), INCEPTION,
        source="Nash et al., arXiv 2103.03841",
    ),
    "kid": Metric(
        "KID", "lower", 3, "w2s.metrics.scores:kid", ("features",), ANY,
        ("kid_subset_size", "kid_subsets", "seed"),
        source="Binkowski et al., arXiv 1801.01401 (unscaled)",
    ),
    "precision": Metric(
        "Precision", "higher", 3, "w2s.metrics.scores:precision", ("features",), ANY,
        ("prc_neighbourhood",), source="Kynkäänniemi et al., arXiv 1904.06991",
    ),
    "recall": Metric(
        "Recall", "higher", 3, "w2s.metrics.scores:recall", ("features",), ANY,
        ("prc_neighbourhood",), source="Kynkäänniemi et al., arXiv 1904.06991",
    ),
    "accuracy": Metric(
        "Accuracy", "higher", 3, "w2s.metrics.scores:accuracy", ("logits", "labels"), OWN,
        source="share of samples whose most probable class is their label",
    ),
    "confidence": Metric(
        "Confidence", "higher", 3, "w2s.metrics.scores:confidence", ("logits", "labels"), OWN,
        source="mean probability of the label",
    ),
    "isc": Metric(
        "IS", "higher", 2, "w2s.metrics.scores:isc", ("logits",), INCEPTION, ("isc_splits",),
        source="Salimans et al., arXiv 1606.03498",
    ),
    "forwards": Metric("Forwards", None, 2),
}  # fmt: skip
SCORED = tuple(name for name, metric in METRICS.items() if metric.scorer)
BY_DINOV2 = tuple(name for name in SCORED if METRICS[name].networks == DINOV2)
UNLABELLED = tuple(name for name in SCORED if "labels" not in METRICS[name].needs)  # know no class

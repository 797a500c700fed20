"""Which metrics are computed and how: torch-free, so that parameters are checked at once."""

from typing import Literal, Self

from pydantic import Field

from w2s.errors import UserError
from w2s.metrics.registry import METRICS, SCORED
from w2s.strict import Strict

MetricName = Literal[SCORED]
ColumnName = Literal[tuple(METRICS)]


class MetricSettings(Strict):
    """The metrics of one set of samples, as torch-fidelity computes them."""

    metrics: tuple[MetricName, ...] = Field(
        default=("fd", "kid", "precision", "recall", "accuracy", "confidence"), min_length=1
    )
    """Metrics to compute, each once per sampling seed."""
    kid_subset_size: int = Field(default=200, ge=2)
    """Samples in each KID subset; below the samples per seed and below the reference images."""
    kid_subsets: int = Field(default=100, ge=1)
    """Random subsets that KID is averaged over."""
    prc_neighbourhood: int = Field(default=3, ge=1)
    """k of the k-nearest-neighbour manifolds of precision and recall."""
    isc_splits: int = Field(default=10, ge=1)
    """Consecutive, unshuffled splits that the Inception score is averaged over."""
    batch: int = Field(default=240, ge=1)
    """Images per forward of the feature network and of the decoder."""
    seed: int = Field(default=0, ge=0)
    """Seed of the KID subsets."""

    def read(self) -> dict:
        """The metrics, and of the settings those that one of them reads."""
        used = {name for metric in self.metrics for name in METRICS[metric].settings}
        return self.model_dump(mode="json", include={"metrics", *used})

    def by(self, network: str) -> Self:
        """The same of those metrics that a kind of feature network gives, which may be none."""
        given = tuple(name for name in self.metrics if network in METRICS[name].networks)
        return self.model_copy(update={"metrics": given})

    def check_count(self, n: int, what: str) -> None:
        """UserError where `n` images (named by `what` in the message) are too few."""
        needs = [(2, "a covariance", "")]
        if "kid" in self.metrics:
            needs.append((self.kid_subset_size + 1, "KID", " or lower metrics.kid_subset_size"))
        if {"precision", "recall"} & set(self.metrics):
            needs.append(
                (self.prc_neighbourhood + 1, "recall", " or lower metrics.prc_neighbourhood")
            )
        if "isc" in self.metrics:
            needs.append((self.isc_splits, "the Inception score", " or lower metrics.isc_splits"))
        for least, purpose, otherwise in needs:
            if n < least:
                raise UserError(
                    f"{what} are {n}, but {purpose} needs at least {least}: "
                    f"raise their number{otherwise}."
                )

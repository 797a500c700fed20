"""What must hold between a text part's metrics, what they compare with, and its tables."""

from __future__ import annotations

from collections.abc import Iterator

from w2s.metrics.registry import BY_DINOV2, METRICS, UNLABELLED
from w2s.params.data import FolderReference, ImagesReference
from w2s.params.dinov2_checks import dinov2_mistakes
from w2s.params.model_checks import Mistake
from w2s.params.text import TextParams, columns_asked


def metric_mistakes(params: TextParams) -> Iterator[Mistake]:
    """Every contradiction in what compares the images of a row with real ones."""
    yield from _columns(params)
    if params.metrics is None:
        for key in ("features", "reference", "dinov2"):
            if getattr(params, key) is not None:
                yield (key,), "no metrics are measured; say which under metrics, or drop it"
        return
    missing = [*(_in_a_world(params) if params.world else _without_a_world(params))]
    yield from missing
    if not missing:
        yield from _network(params)
        yield from _counts(params)
        yield from dinov2_mistakes(params)


def _columns(params: TextParams) -> Iterator[Mistake]:
    """Columns of metrics that are not measured."""
    measured = params.metrics.metrics if params.metrics else ()
    for at, column in columns_asked(params, UNLABELLED):
        if column not in measured:
            if params.metrics:
                yield at, f"{column} is not among metrics.metrics"
            else:
                yield at, f"{column} compares with real images: name it under metrics.metrics"


def _in_a_world(params: TextParams) -> Iterator[Mistake]:
    """Another network or other images than the world's own."""
    if params.features is not None:
        yield ("features",), "metrics are measured with the world's own network; drop it"
    if not isinstance(params.reference, ImagesReference | None):
        yield ("reference", "kind"), "a world is compared with its own images; drop it"


def _without_a_world(params: TextParams) -> Iterator[Mistake]:
    """Metrics that have no network, or nothing to compare with."""
    by_it = [metric for metric in params.metrics.metrics if metric not in BY_DINOV2]
    if by_it and params.features is None:
        yield ("metrics",), "there is no network to measure with; describe one under features"
    elif not by_it and params.features is not None:
        yield ("features",), "no metric is measured with it; drop it"
    if params.reference is None:
        yield ("metrics",), "there is nothing to compare with; describe images under reference"
    elif isinstance(params.reference, ImagesReference):
        what = "a part without a world has no images of its own; give kind folder or adm"
        yield ("reference", "kind"), what


def _network(params: TextParams) -> Iterator[Mistake]:
    """Metrics that the network cannot give, or that ask for classes."""
    network = params.features or (params.world and params.world.features)
    for metric in params.metrics.metrics:
        if metric not in UNLABELLED:
            yield ("metrics", "metrics"), f"{metric} asks for classes, and prompts have none"
        elif metric not in BY_DINOV2 and network.kind not in METRICS[metric].networks:
            needed, there = METRICS[metric].networks[0], network.kind
            what = f"{metric} needs the {needed} feature network, and this part has {there}"
            yield ("metrics", "metrics"), what


def _counts(params: TextParams) -> Iterator[Mistake]:
    """References that are smaller than what metrics take of them."""
    reference, settings = params.reference or ImagesReference(kind="images"), params.metrics
    if not isinstance(reference, ImagesReference | FolderReference):
        return
    limits = (reference.count, params.world.data.count if params.world else None)
    known = min((limit for limit in limits if limit is not None), default=None)
    if known and "kid" in settings.metrics and settings.kid_subset_size >= known:
        yield ("metrics", "kid_subset_size"), f"must be below the reference's {known} images"
    if known and settings.prc_neighbourhood >= known:
        yield ("metrics", "prc_neighbourhood"), f"must be below the reference's {known} images"

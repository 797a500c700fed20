"""What must hold between fd_dinov2, its network and what it compares with, in any part."""

from __future__ import annotations

from collections.abc import Iterator

from w2s.metrics.registry import BY_DINOV2
from w2s.params.data import AdmReference
from w2s.params.model_checks import Mistake
from w2s.params.pictures import PictureParams
from w2s.params.text import TextParams


def dinov2_mistakes(params: PictureParams | TextParams) -> Iterator[Mistake]:
    """A metric without its network, a network without its metric, or nothing to compare with.

    The part measures metrics.
    """
    asked = [name for name in params.metrics.metrics if name in BY_DINOV2]
    if asked and params.dinov2 is None:
        yield ("metrics", "metrics"), f"{asked[0]} needs DINOv2; give its file as dinov2.path"
    elif not asked and params.dinov2 is not None:
        what = f"no metric is measured with it; name {BY_DINOV2[0]} under metrics.metrics"
        yield ("dinov2",), f"{what}, or drop it"
    elif asked:
        yield from _reference(params, asked[0])


def _reference(params: PictureParams | TextParams, metric: str) -> Iterator[Mistake]:
    """Statistics in the features of another network, or fewer images than their manifold takes."""
    own = getattr(params.dinov2, "reference", None)
    if own is not None:
        if own.count is not None and own.count <= (k := params.metrics.prc_neighbourhood):
            at = "dinov2", "reference", "count"
            yield at, f"must be above metrics.prc_neighbourhood ({k})"
    elif isinstance(params.reference, AdmReference):
        what = f"adm has statistics of Inception's features, and {metric} compares with images"
        if isinstance(params, PictureParams):
            yield (
                ("dinov2", "reference"),
                f"is missing: {what}; say which, such as {{count: 50000}}",
            )
        else:
            yield ("reference", "kind"), f"{what}; give kind folder"

"""What samples are compared with in a feature network, put as a part with pictures has it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from w2s.metrics.settings import MetricSettings
from w2s.params.data import (
    AdmReference,
    FolderData,
    FolderReference,
    ImagesReference,
    ToyData,
)
from w2s.params.parts import Part
from w2s.params.pictures import PictureParams
from w2s.plan.feature_cost import Features

ADM_RESOLUTION = 256  # of the images in its file
ADM_IMAGES = 10_000  # beside statistics of all
Place = Literal["features", "dinov2"]  # the keys of a part that describe feature networks
PLACES: tuple[Place, ...] = ("features", "dinov2")


@dataclass(frozen=True)
class Compared:
    """The blocks of a part with pictures that metrics rest on."""

    data: ToyData | FolderData
    features: Features
    reference: ImagesReference | AdmReference
    metrics: MetricSettings  # those that the network gives


def compared_of(part: Part, place: Place) -> Part | None:
    """Images, one feature network, reference and metrics; None if nothing is measured with it.

    Where the images of a text part are those of its world, a part with pictures that has the same
    blocks has the same nodes.
    """
    params, features = part.params, _network(part, place)
    metrics = params.metrics.by(features.kind) if features and params.metrics else None
    if not (metrics and metrics.metrics):
        return None
    found = part.data
    if isinstance(params, PictureParams):
        data, reference = params.data, getattr(features, "reference", None) or params.reference
    else:
        reference = params.reference or ImagesReference(kind="images")
        found = {"path": getattr(reference, "path", None)}
        found["fingerprint"] = part.fingerprints.get("reference")
        data = params.world.data if params.world else _folder(reference)
    if isinstance(reference, FolderReference):
        reference = ImagesReference(kind="images", count=reference.count, seed=reference.seed)
    prints = part.fingerprints | {"features": part.fingerprints.get(place)}
    blocks = Compared(data, features, reference, metrics)
    return replace(part, params=blocks, data=found, networks={}, fingerprints=prints)


def _network(part: Part, place: Place) -> Features | None:
    """The block of a feature network; under features, the world's own where there is a world."""
    world = getattr(part.params, "world", None)
    if place == "features" and world:
        return world.features
    return getattr(part.params, place, None)


def _folder(reference: FolderReference | AdmReference) -> FolderData:
    """The images of a reference that is given by path."""
    if isinstance(reference, AdmReference):
        about = {"resolution": ADM_RESOLUTION, "images": ADM_IMAGES}
    else:
        about = {"resolution": reference.resolution, "images": reference.count}
    return FolderData(kind="folder", path=reference.path, flat=True, **about)

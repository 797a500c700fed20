"""What the images of a text part are compared with as a set, put as a part with pictures has it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from w2s.metrics.settings import MetricSettings
from w2s.params.data import (
    AdmReference,
    FolderData,
    FolderReference,
    ImagesReference,
    InceptionFeatures,
    ToyData,
    TrainedFeatures,
)
from w2s.params.parts import Part
from w2s.plan.resources import ADM_IMAGES

ADM_RESOLUTION = 256  # of the images in its file


@dataclass(frozen=True)
class Compared:
    """The blocks of a part with pictures that metrics rest on."""

    data: ToyData | FolderData
    features: TrainedFeatures | InceptionFeatures
    reference: ImagesReference | AdmReference
    metrics: MetricSettings


def compared_of(part: Part) -> Part | None:
    """Images, feature network, reference and metrics of a text part; None if nothing is measured.

    Where the images are those of the part's world, a part with pictures that has the same blocks
    has the same nodes.
    """
    params = part.params
    if params.metrics is None:
        return None
    reference = params.reference or ImagesReference(kind="images")
    path, print_of = getattr(reference, "path", None), part.fingerprints.get("reference")
    if params.world:
        data, features = params.world.data, params.world.features
    else:
        data, features = _folder(reference), params.features
    if isinstance(reference, FolderReference):
        reference = ImagesReference(kind="images", count=reference.count, seed=reference.seed)
    blocks = Compared(data, features, reference, params.metrics)
    return replace(part, params=blocks, data={"path": path, "fingerprint": print_of}, networks={})


def _folder(reference: FolderReference | AdmReference) -> FolderData:
    """The images of a reference that is given by path."""
    if isinstance(reference, AdmReference):
        about = {"resolution": ADM_RESOLUTION, "images": ADM_IMAGES}
    else:
        about = {"resolution": reference.resolution, "images": reference.count}
    return FolderData(kind="folder", path=reference.path, flat=True, **about)

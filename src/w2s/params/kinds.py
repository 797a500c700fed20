"""The kinds of part that a study can have, and how the parameters of each are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from w2s.errors import UserError
from w2s.params.checks import Mistake, mistakes
from w2s.params.files import KeyPath, Layers
from w2s.params.found import find_data, find_files
from w2s.params.pictures import PictureParams
from w2s.params.pipelines import find_pipeline_files, find_pipelines, find_prompts
from w2s.params.plane_checks import plane_mistakes
from w2s.params.planes import PlaneParams, find_worlds, nothing_found
from w2s.params.pretrained import find_networks
from w2s.params.text import TextParams
from w2s.params.text_checks import text_mistakes
from w2s.strict import Strict, did_you_mean


@dataclass(frozen=True)
class PartKind:
    """How one kind of part is read.  `plan.study` has how it is planned."""

    params: type[Strict]  # with part, tables, sweep, gpus and cost, as every kind has
    mistakes: Callable[..., Iterator[Mistake]]  # what contradicts what, given the parameters
    find_data: Callable[..., dict]  # the data set as it is, given the parameters and a key to name
    find_networks: Callable[..., dict]  # what pretrained networks are, by name
    find_files: Callable[..., dict[str, str]]  # fingerprints, given the parameters
    own_images: bool  # whether a user's own folder of images may stand in the place of `data`
    data_at: KeyPath = ("data", "path")  # the key that names where the data set lies


PART_KINDS = {
    "pictures": PartKind(
        PictureParams, mistakes, find_data, find_networks, find_files, own_images=True
    ),
    "text": PartKind(
        TextParams,
        text_mistakes,
        find_prompts,
        find_pipelines,
        find_pipeline_files,
        own_images=False,
        data_at=("prompts", "path"),
    ),
    "planes": PartKind(
        PlaneParams,
        plane_mistakes,
        find_worlds,
        nothing_found,
        nothing_found,
        own_images=False,
        data_at=("worlds",),
    ),
}
DEFAULT = "pictures"  # where a file does not name its kind


def kind_of(layers: Layers) -> PartKind:
    """The kind of a part, which its key `part` names.

    Raises:
        UserError: there is no such kind.
    """
    name = str(layers.merged().get("part", DEFAULT))
    if name not in PART_KINDS:
        hint = did_you_mean(name, PART_KINDS)
        where = layers.where(("part",))
        raise UserError(f"{where}: there is no kind of part named '{name}'; {hint}")
    return PART_KINDS[name]

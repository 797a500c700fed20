"""The families of networks by name: whoever is given a configuration asks here what it means."""

from __future__ import annotations

from collections.abc import Mapping

from w2s.errors import UserError
from w2s.models.backbone import Family, Shape
from w2s.models.dit import DiTFamily
from w2s.models.exact import ExactFamily
from w2s.models.mlp import MLPFamily
from w2s.models.sd3 import SD3Family
from w2s.models.sit import SiTFamily

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (SiTFamily(), DiTFamily(), SD3Family(), MLPFamily(), ExactFamily())
}


def family_of(config: Mapping) -> Family:
    """The family of the network with this configuration; without a `kind` it is a SiT.

    Raises UserError for a kind that no family has.
    """
    kind = config.get("kind", SiTFamily.name)
    if kind not in FAMILIES:
        raise UserError(f"there is no network of kind '{kind}'; there are {', '.join(FAMILIES)}")
    return FAMILIES[kind]


def shape_of(config: Mapping) -> Shape:
    """Blocks, mid head and work of the network with this configuration."""
    return family_of(config).shape(config)

"""What must hold between networks: where they come from, and whether they know labels."""

from __future__ import annotations

from collections.abc import Iterator

from w2s.params.networks import sees_labels, source_of
from w2s.params.pictures import PictureParams

Mistake = tuple[tuple[str | int, ...], str]  # the key's path, and what is wrong there


def pretrained_networks(study: PictureParams) -> Iterator[Mistake]:
    """Pretrained networks that are not described, or that rows would count more than once."""
    for name, block in study.pretrained.items():
        if block.is_checkpoint and block.network is None:
            what = "is missing: a checkpoint does not say what its network is before it is read"
            yield ("pretrained", name, "network"), what
        if block.time and not block.is_checkpoint:
            yield ("pretrained", name, "time"), "a folder's config.json says it; drop it"
    if len(study.training.seeds) == 1:
        return
    for table_name, table in study.tables.items():
        for name, row in table.rows.items():
            if not row.real and source_of(study, row.model) in study.pretrained:
                what = (
                    f"'{row.model}' is not trained here, so it is the same under every one of "
                    "training.seeds; give one seed, or such rows a study of their own"
                )
                yield ("tables", table_name, "rows", name, "model"), what


def labels(study: PictureParams) -> Iterator[Mistake]:
    """Conditional networks led by weak ones that never saw labels."""
    led = [
        (("training", "recipes", name, "weak"), name, recipe.weak)
        for name, recipe in study.training.recipes.items()
        if recipe.weak is not None and recipe.conditional
    ]
    guided = [
        (("tables", table_name, "rows", name, "guidance"), row.model, row.guidance)
        for table_name, table in study.tables.items()
        for name, row in table.rows.items()
        if row.guidance is not None
    ]
    if study.sweep:
        guided += [
            (("sweep", "weights", name), study.sweep.model, name) for name in study.sweep.weights
        ]
    for at, model, guidance in guided:
        if sees_labels(study, model):
            nets = [getattr(window, "weak", None) for window in study.guidance[guidance]]
            led += [(at, model, net) for net in dict.fromkeys(nets) if net is not None]
    for at, model, net in led:
        if not sees_labels(study, net):
            what = (
                f"'{net}' never saw labels and '{model}' did, so labels would index weights of "
                f"'{net}' that were never trained; take a weak network with labels"
            )
            yield at, what

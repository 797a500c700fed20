"""What must hold between networks: where they come from, and whether they know labels."""

from __future__ import annotations

from collections.abc import Iterator

from w2s.models.sit import SiTFamily
from w2s.params.networks import scaling_of, sees_labels, source_of
from w2s.params.pictures import PictureParams

Mistake = tuple[tuple[str | int, ...], str]  # the key's path, and what is wrong there


def untrained_kinds(params: PictureParams) -> Iterator[Mistake]:
    """Networks of kinds that are only ever trained elsewhere."""
    for name, network in params.models.items():
        if not network.trained:
            what = f"a {network.kind} is not trained here; name it under pretrained"
            yield ("models", name, "kind"), what


def pretrained_networks(params: PictureParams) -> Iterator[Mistake]:
    """Pretrained networks that are not described, or that rows would count more than once."""
    for name, block in params.pretrained.items():
        if block.is_checkpoint and block.network is None:
            what = "is missing: a checkpoint does not say what its network is before it is read"
            yield ("pretrained", name, "network"), what
        if block.time and not block.is_checkpoint:
            yield ("pretrained", name, "time"), "a folder's config.json says it; drop it"
        elif block.time and block.network and block.network.kind != SiTFamily.name:
            what = f"a {block.network.kind} has its direction of time from its kind; drop it"
            yield ("pretrained", name, "time"), what
    if len(params.training.seeds) == 1:
        return
    for table_name, table in params.tables.items():
        for name, row in table.rows.items():
            if not row.real and source_of(params, row.model) in params.pretrained:
                what = (
                    f"'{row.model}' is not trained here, so it is the same under every one of "
                    "training.seeds; give one seed, or such rows a study of their own"
                )
                yield ("tables", table_name, "rows", name, "model"), what


def pairs(params: PictureParams) -> Iterator[Mistake]:
    """Networks led by weak ones that never saw labels, or that live on other latents."""
    for at, model, net in _led(params):
        if sees_labels(params, model) and not sees_labels(params, net):
            what = (
                f"'{net}' never saw labels and '{model}' did, so labels would index weights of "
                f"'{net}' that were never trained; take a weak network with labels"
            )
            yield at, what
        if scaling_of(params, model) != scaling_of(params, net):
            what = (
                f"'{net}' was trained on latents of another scaling than '{model}', so the two "
                "cannot be compared; take a weak network of the same latents"
            )
            yield at, what


def _led(params: PictureParams) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Where a weak network leads another: the key's path, the network, and the weak one."""
    for name, recipe in params.training.recipes.items():
        if recipe.weak is not None:
            yield ("training", "recipes", name, "weak"), name, recipe.weak
    guided = [
        (("tables", table_name, "rows", name, "guidance"), row.model, row.guidance)
        for table_name, table in params.tables.items()
        for name, row in table.rows.items()
        if row.guidance is not None
    ]
    if params.sweep:
        guided += [
            (("sweep", "weights", name), params.sweep.model, name) for name in params.sweep.weights
        ]
    for at, model, guidance in guided:
        nets = [getattr(window, "weak", None) for window in params.guidance[guidance]]
        yield from ((at, model, net) for net in dict.fromkeys(nets) if net is not None)


def probed(params: PictureParams) -> Iterator[Mistake]:
    """Probes of networks whose best velocities are not those of the training latents here."""
    for name, probe in params.probes.items():
        source = source_of(params, probe.model)
        if source in params.pretrained:
            what = (
                f"'{probe.model}' was not trained on the latents here, which it would be compared "
                "with; take a recipe or a weak model of one"
            )
            yield ("probes", name, "model"), what
        elif source in params.training.recipes and not sees_labels(params, probe.model):
            what = f"'{probe.model}' never sees labels; a probe compares velocities class by class"
            yield ("probes", name, "model"), what

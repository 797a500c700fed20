"""What stands behind the names of networks on this study's latents."""

from __future__ import annotations

from w2s.models.registry import family_of


def network_config(part, name: str) -> dict:
    """The configuration of the network that a name under `models` stands for."""
    return part.params.models[name].config(latent_shape(part.params), part.data["classes"])


def source_of(params, name: str) -> str:
    """The recipe or pretrained network that a name means: itself, or what a weak model is of."""
    return params.weak[name].recipe if name in params.weak else name


def sees_labels(params, name: str) -> bool:
    """Whether the network behind a recipe, weak model or pretrained network knows labels."""
    source = source_of(params, name)
    return (params.pretrained.get(source) or params.training.recipes[source]).conditional


def scaling_of(params, name: str) -> dict | None:
    """The latents' constants of a network that brings its own; None for the study's."""
    block = params.pretrained.get(source_of(params, name))
    return block.scaling.model_dump() if block and block.scaling else None


def network_behind(part, name: str) -> dict:
    """The configuration of the network behind a recipe, weak model or pretrained network.

    Raises UserError for a weak model that takes what the network does not have.
    """
    params, source = part.params, source_of(part.params, name)
    if source in params.pretrained:
        config = part.networks[source]
    else:
        config = network_config(part, params.training.recipes[source].model)
    if name not in params.weak:
        return config
    with part.at("weak", name, "part"):
        return family_of(config).part_config(config, params.weak[name].taken)


def latent_factor(params) -> int:
    """Image pixels per latent pixel along one side."""
    vae = params.vae
    return vae.downsample if vae.kind == "diffusers" else 2 ** (len(vae.block_channels) - 1)


def latent_size(params) -> int:
    """Height and width of a latent."""
    return params.data.resolution // latent_factor(params)


def latent_shape(params) -> tuple[int, int, int]:
    """Channels, height and width of a latent: as the VAE makes it, or of a part without one."""
    if hasattr(params, "latent"):
        return params.latent
    return params.vae.latent_channels, latent_size(params), latent_size(params)


def snapshot_steps(start: int, steps: int, every: int) -> list[int]:
    """When a run from `start` to `steps` takes snapshots."""
    return [*range(start + every, steps, every), steps]


def snapshots(params, recipe_name: str) -> list[int]:
    """Steps of a recipe that weak models can be taken from, its trunk's included."""
    recipe, every = params.training.recipes[recipe_name], params.training.snapshot_every
    start = recipe.trunk[1] if recipe.trunk else 0
    shared = snapshot_steps(0, start, every) if start else []
    return shared + snapshot_steps(start, recipe.steps, every)


def untrained_head(params, model: str) -> str | None:
    """Why the mid head of a recipe's or weak model's network predicts nothing; None if it does.

    What was trained elsewhere is taken at its word.
    A branch that gives its head no loss of its own leaves it as its trunk made it, beside blocks
    that have moved on: such a head counts only where the weights are the trunk's.
    """
    weak, recipes = params.weak.get(model), params.training.recipes
    name = source_of(params, model)
    if name in params.pretrained:
        return None
    trunk = recipes[name].trunk
    if weak and trunk and weak.at(recipes[name].steps) <= trunk[1]:
        name = trunk[0]
    if recipes[name].head_loss > 0:
        return None
    return (
        f"reads the mid head of '{model}', which recipe '{name}' does not train: set "
        f"training.recipes.{name}.head_weight above 0 (0.2 is usual)"
    )

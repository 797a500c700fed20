"""What a network looks like on this study's latents, and how much it computes."""

from __future__ import annotations


def network_config(part, name: str) -> dict:
    """The configuration of the network that a name under `models` stands for."""
    return part.params.models[name].config(latent_shape(part.params), part.data["classes"])


def latent_factor(study) -> int:
    """Image pixels per latent pixel along one side."""
    vae = study.vae
    return vae.downsample if vae.kind == "diffusers" else 2 ** (len(vae.block_channels) - 1)


def latent_size(study) -> int:
    """Height and width of a latent."""
    return study.data.resolution // latent_factor(study)


def latent_shape(study) -> tuple[int, int, int]:
    """Channels, height and width of a latent."""
    return study.vae.latent_channels, latent_size(study), latent_size(study)


def snapshot_steps(start: int, steps: int, every: int) -> list[int]:
    """When a run from `start` to `steps` takes snapshots."""
    return [*range(start + every, steps, every), steps]


def snapshots(study, recipe_name: str) -> list[int]:
    """Steps of a recipe that weak models can be taken from, its trunk's included."""
    recipe, every = study.training.recipes[recipe_name], study.training.snapshot_every
    start = recipe.trunk[1] if recipe.trunk else 0
    shared = snapshot_steps(0, start, every) if start else []
    return shared + snapshot_steps(start, recipe.steps, every)


def untrained_head(study, model: str) -> str | None:
    """Why the mid head of a recipe's or weak model's network predicts nothing; None if it does.

    A branch that gives its head no loss of its own leaves it as its trunk made it, beside blocks
    that have moved on: such a head counts only where the weights are the trunk's.
    """
    weak, recipes = study.weak.get(model), study.training.recipes
    name = weak.recipe if weak else model
    trunk = recipes[name].trunk
    if weak and trunk and weak.at(recipes[name].steps) <= trunk[1]:
        name = trunk[0]
    if recipes[name].head_loss > 0:
        return None
    return (
        f"reads the mid head of '{model}', which recipe '{name}' does not train: set "
        f"training.recipes.{name}.head_weight above 0 (0.2 is usual)"
    )

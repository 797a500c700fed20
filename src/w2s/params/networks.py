"""What a network looks like on this study's latents, and how much it computes."""

from __future__ import annotations

SIZES = {  # published SiT sizes: hidden, depth, heads
    "S": (384, 12, 6),
    "B": (768, 12, 12),
    "L": (1024, 24, 16),
    "XL": (1152, 28, 16),
}


def network_config(part, name: str) -> dict:
    """Arguments of the SiT that a name under `models` stands for."""
    network = part.params.models[name]
    hidden, depth, heads = (
        SIZES[network.size] if network.size else (network.hidden, network.depth, network.heads)
    )
    return {
        "input_size": latent_size(part.params),
        "patch_size": network.patch,
        "in_channels": part.params.vae.latent_channels,
        "hidden_size": hidden,
        "depth": depth,
        "num_heads": heads,
        "mlp_ratio": 4.0,
        "num_classes": part.data["classes"],
        "head_at": network.head_at,
    }


def part_config(config: dict, part) -> dict:
    """The network that is left of a config when a weak model takes only a part of it."""
    if part == "full":
        return config
    depth = config["head_at"] if part == "head" else config["depth"] - len(part.skip)
    return config | {"depth": depth, "head_at": None}


def network_depth(network) -> int:
    """Number of transformer blocks of a network under `models`."""
    return SIZES[network.size][1] if network.size else network.depth


def latent_factor(study) -> int:
    """Image pixels per latent pixel along one side."""
    vae = study.vae
    return vae.downsample if vae.kind == "diffusers" else 2 ** (len(vae.block_channels) - 1)


def latent_size(study) -> int:
    """Height and width of a latent."""
    return study.data.resolution // latent_factor(study)


def snapshot_steps(start: int, steps: int, every: int) -> list[int]:
    """When a run from `start` to `steps` takes snapshots."""
    return [*range(start + every, steps, every), steps]


def snapshots(study, recipe_name: str) -> list[int]:
    """Steps of a recipe that weak models can be taken from, its trunk's included."""
    recipe, every = study.training.recipes[recipe_name], study.training.snapshot_every
    start = recipe.trunk[1] if recipe.trunk else 0
    shared = snapshot_steps(0, start, every) if start else []
    return shared + snapshot_steps(start, recipe.steps, every)

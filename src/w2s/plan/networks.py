"""What a network looks like on this study's latents, and how much it computes."""

from __future__ import annotations

SIZES = {  # published SiT sizes: hidden, depth, heads
    "S": (384, 12, 6),
    "B": (768, 12, 12),
    "L": (1024, 24, 16),
    "XL": (1152, 28, 16),
}


def network_config(params, name: str) -> dict:
    """Arguments of the SiT that a name under `models` stands for."""
    network = params.study.models[name]
    hidden, depth, heads = (
        SIZES[network.size] if network.size else (network.hidden, network.depth, network.heads)
    )
    return {
        "input_size": latent_size(params.study),
        "patch_size": network.patch,
        "in_channels": params.study.vae.latent_channels,
        "hidden_size": hidden,
        "depth": depth,
        "num_heads": heads,
        "mlp_ratio": 4.0,
        "num_classes": params.data["classes"],
        "head_at": network.head_at,
    }


def part_config(config: dict, part) -> dict:
    """The network that is left of a config when a weak model takes only a part of it."""
    if part == "full":
        return config
    depth = config["head_at"] if part == "head" else config["depth"] - len(part.skip)
    return config | {"depth": depth, "head_at": None}


def latent_size(study) -> int:
    """Height and width of a latent."""
    vae = study.vae
    factor = vae.downsample if vae.kind == "diffusers" else 2 ** (len(vae.block_channels) - 1)
    return study.data.resolution // factor

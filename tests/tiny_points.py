"""A study of points in two small worlds: tables of exact and of trained networks."""

from pathlib import Path

import yaml

ROWS = {
    "truth": {"truth": True},
    "none": {"model": "blurred"},
    "cfg": {"label": "CFG, w = 1.2", "model": "blurred", "guidance": "cfg"},
    "sgg": {"model": "blurred", "guidance": "sgg"},
}
POINTS = {
    "part": "planes",
    "worlds": {
        "few": {"classes": 2, "depth": 2, "seed": 2},
        "many": {"classes": 3, "depth": 1, "seed": 2},
    },
    "points": {"count": 60, "seed": 1000},
    "models": {"mlp": {"kind": "mlp", "hidden": 8, "depth": 3, "head_at": 2}},
    "training": {
        "seeds": [0, 1],
        "batch": 8,
        "lr": 1e-3,
        "betas": [0.9, 0.99],
        "snapshot_every": 2,
        "recipes": {"base": {"model": "mlp", "objective": {"name": "none"}, "steps": 4}},
    },
    "weak": {"early": {"recipe": "base", "step": 2}},
    "exact": {
        "perfect": {},
        "blurred": {"blur": 0.1, "smooth": 0.03},
        "worse": {"blur": 0.3, "smooth": 0.06},
    },
    "guidance": {
        "cfg": {"method": "cfg", "weight": 1.2},
        "ag": {"method": "autoguidance", "weak": "early", "weight": 2},
        "sgg": [
            {"window": [0.5, 1], "method": "cfg", "weight": 1.2},
            {"window": [0, 0.5], "method": "autoguidance", "weak": "worse", "weight": 2},
        ],
    },
    "sampling": {"steps": 4, "seeds": [3, 4], "per_seed": 30, "batch": 30},
    "tables": {
        "known": {"title": "Known errors", "world": "few", "baseline": "none", "rows": ROWS},
        "learned": {
            "title": "Trained networks",
            "world": "many",
            "seeds": [5],
            "columns": ["coverage", "energy", "forwards"],
            "baseline": "none",
            "rows": {
                "truth": {"truth": True},
                "none": {"model": "base"},
                "ag": {"model": "base", "guidance": "ag"},
            },
        },
    },
    "sweep": {
        "seeds": [100, 101],
        "columns": ["energy", "coverage"],
        "weights": {"cfg": [1.1, 1.2], "sgg": [[1.1, 2], [1.2, 3]]},
    },
}


def write(root: Path, study: dict, scale: str = "plane") -> None:
    """The study as the part `toy` of a scale, and params.yaml that names it."""
    (root / "params.yaml").write_text(f"scale: {scale}\n")
    file = root / "scales" / scale / "toy.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(study, sort_keys=False))

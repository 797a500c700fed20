"""A study of images of prompts whose pipelines are trained on the spot, in seconds."""

SD3 = {"kind": "sd3", "depth": 3, "heads": 2, "head_width": 8, "patch": 3}
WORLD = {
    "data": {"kind": "toy", "resolution": 12, "count": 90},
    "vae": {"kind": "trained", "block_channels": [8, 8], "steps": 2},
    "features": {"kind": "trained", "width": 8, "steps": 2, "batch": 16},
    "towers": {"width": 16, "layers": 1},
    "clip": {"width": 16, "layers": 1, "patch": 4, "steps": 3, "batch": 8, "lr": 1e-3},
    "models": {"mini": SD3},
    "training": {
        "batch": 8,
        "lr": 1e-3,
        "betas": [0.9, 0.99],
        "snapshot_every": 4,
        "recipes": {"base": {"model": "mini", "objective": {"name": "none"}, "steps": 8}},
    },
    "shift": 1.5,
}
MADE = {
    "part": "text",
    "world": WORLD,
    "prompts": {"world": True, "count": 5, "seed": 0},
    "models": {"main": {"recipe": "base"}, "early": {"recipe": "base", "fraction": 0.5}},
    "height": 12,
    "width": 12,
    "guidance": {
        "cfg": {"method": "cfg", "weight": 2},
        "ag": {"method": "autoguidance", "weak": "early", "weight": 2},
    },
    "sampling": {"steps": 3, "seeds": [0, 1], "batch": 4},
    "decoding": {"batch": 4},
    "metrics": {"metrics": ["fd"], "batch": 4},
    "tables": {
        "captioned": {
            "title": "Images of captions",
            "columns": ["words", "shape", "clip_made", "fd", "forwards"],
            "baseline": "none",
            "rows": {
                "none": {"model": "main"},
                "cfg": {"model": "main", "guidance": "cfg"},
                "ag": {"model": "main", "guidance": "ag"},
            },
        }
    },
}

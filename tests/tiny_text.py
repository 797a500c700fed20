"""A study of images of prompts: two pipelines that are planned for, or tiny ones that are there."""

from pathlib import Path

import yaml

ROWS = {
    "none": {"model": "main"},
    "cfg": {"label": "CFG, w = 2", "model": "main", "guidance": "cfg"},
    "sgg": {"model": "main", "guidance": "sgg"},
}
TEXT = {
    "part": "text",
    "prompts": {"path": "prompts.txt", "count": 2},
    "models": {"main": {"path": "sd3", "network": {"depth": 4, "heads": 2}}},
    "height": 64,
    "width": 96,
    "guidance": {
        "cfg": {"method": "cfg", "weight": 2},
        "sgg": [
            {"window": [0.5, 1], "method": "cfg", "weight": 2},
            {"window": [0, 0.5], "method": "skip_layer", "blocks": [2], "weight": 2},
        ],
    },
    "sampling": {"steps": 3, "seeds": [0, 1], "batch": 2},
    "tables": {
        "prompted": {
            "title": "Images of prompts",
            "columns": ["saturation", "forwards"],
            "baseline": "none",
            "rows": ROWS,
        }
    },
}


def write(root: Path, study: dict, scale: str = "words", part: str = "text") -> None:
    """The study as the part `part` of a scale."""
    file = root / "scales" / scale / f"{part}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(study, sort_keys=False))


def changed(study: dict, path: tuple, value) -> dict:
    """The study with another value at a path."""
    if not path:
        return value
    first, *rest = path
    if isinstance(study, list):
        return [changed(v, tuple(rest), value) if i == first else v for i, v in enumerate(study)]
    return study | {first: changed(study.get(first, {}), tuple(rest), value)}

import pytest
from report_rows import KEY


@pytest.fixture
def facts():
    return {
        "key": KEY,
        "table": "guidance",
        "row": "cfg-2",
        "label": "CFG w=2",
        "scale": "mini",
        "dataset": "mini world",
        "recipe": "SiT, width 64",
        "sampler": "Euler, 20 steps",
        "guidance": [],
        "forwards": 1.5,
        "training_seeds": [0],
        "published": None,
        "comparable": True,
        "why": None,
    }

"""Small rows of metrics, and the regex by which a published file tells what it shows."""

import re

from w2s.plan.facts import RowFacts, TableFacts

KEY = "0123456789abcdef"
KEY_PATTERN = re.compile(rb"w2s-key[^0-9a-f]{1,5}([0-9a-f]{16})")
TABLE = TableFacts(
    name="guidance",
    title="Guidance",
    columns=["fd", "forwards"],
    baseline="none",
    scale="mini",
    dataset="mini world",
    training_seeds=[0],
    index="0" * 16,
)
ROW = RowFacts(
    name="cfg-2",
    label="CFG w=2",
    kind="metrics",
    measured=["1" * 16],
    shown="2" * 16,
    recipe="SiT, width 64",
    sampler="Euler, 20 steps",
    forwards=1.5,
)
REAL = RowFacts(
    name="real",
    label="held-out real images",
    kind="metrics",
    measured=["3" * 16],
    shown="4" * 16,
    recipe="held-out real images",
    real=True,
)


def key_of(path):
    return KEY_PATTERN.search(path.read_bytes()[:4096]).group(1).decode()


def run_of(values, column="fd", n=480, reference_images=8192):
    return {
        "per_seed": {column: list(values)},
        "n": n,
        "reference_images": reference_images,
        "seeds": list(range(len(values))),
        "extractor": "trained",
    }

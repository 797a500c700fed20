"""Small image folders, and builders run on them."""

import numpy as np
import pytest
from PIL import Image

from w2s.data import index
from w2s.job import Execution, Job


@pytest.fixture
def folder(tmp_path):
    """Two classes of three random 20 x 16 PNG files each."""
    root, rng = tmp_path / "folder", np.random.default_rng(0)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for number in range(3):
            pixels = rng.integers(0, 256, (16, 20, 3), np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


@pytest.fixture
def build_index(tmp_path_factory):
    """Index a folder; gives the node's directory."""

    def run(root, on_bad_file="refuse", threads=1, **more):
        out = tmp_path_factory.mktemp("index")
        spec = {"source": "fingerprint", "on_bad_file": on_bad_file, **more}
        execution = Execution(threads=threads)
        index.build(Job("index", "k", spec, out, local={"path": root}, execution=execution))
        return out

    return run

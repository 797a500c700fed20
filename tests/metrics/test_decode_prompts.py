"""Images of prompts: by the VAE's own constants, in order, and the same after a killed run."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny_sd3
import torch
from safetensors.numpy import save_file

from w2s.errors import UserError
from w2s.job import Execution, Job
from w2s.metrics import decode

TEXTS = ["a cat", "ein Käfer", "a cat"]  # one of them twice
SEEDS, EACH = [5, 2], 2  # images of each prompt
COUNT = len(SEEDS) * len(TEXTS) * EACH
LATENTS = np.random.default_rng(0).standard_normal((COUNT, 4, 4, 6), dtype=np.float32)


@pytest.fixture(scope="module")
def parents(tmp_path_factory):
    """Two shards of a drawn set, a VAE and the prompts."""
    root = tmp_path_factory.mktemp("drawn")
    for shard in (0, 1):
        rows = np.arange(shard, COUNT, 2)
        folder = root / f"segment-{shard}"
        folder.mkdir()
        seeds = np.repeat(SEEDS, COUNT // 2)[rows]
        label = np.full(len(rows), 7)  # rows of a table that is not looked at
        save_file(
            {"x": LATENTS[rows], "index": rows, "label": label, "seed": seeds},
            folder / "state.safetensors",
        )
    tiny_sd3.vae().save_pretrained(root / "vae" / "vae")
    (root / "prompts").mkdir()
    (root / "prompts" / "prompts.json").write_text(json.dumps({"texts": TEXTS}))
    return {
        "segment": [root / "segment-1", root / "segment-0"],
        "vae": [root / "vae"],
        "prompts": [root / "prompts"],
    }


def decoded(out: Path, parents, batch=4) -> Path:
    out.mkdir()
    decode.build(Job("decoded", "k", {"batch": batch}, out, parents, {}, Execution(device="cpu")))
    return out


@torch.inference_mode()
def by_hand(latents: np.ndarray) -> np.ndarray:
    """As diffusers' pipeline decodes, one image after the other."""
    from diffusers.image_processor import VaeImageProcessor

    vae, images = tiny_sd3.vae(), []
    for x in torch.from_numpy(latents):
        z = x[None] / vae.config.scaling_factor + vae.config.shift_factor
        (image,) = VaeImageProcessor().postprocess(vae.decode(z).sample, output_type="np")
        images.append((255 * image).round().astype(np.uint8))
    return np.stack(images)


def test_images_are_the_pipelines_own_in_order(tmp_path, parents):
    out = decoded(tmp_path / "out", parents)
    assert {file.name for file in out.iterdir()} == {
        "images.npy", "labels.npy", "seeds.npy", "prompts.json",
    }  # fmt: skip
    images, seeds = np.load(out / "images.npy"), np.load(out / "seeds.npy")
    assert seeds.tolist() == [2] * 6 + [5] * 6
    half = COUNT // 2
    expected = by_hand(np.concatenate([LATENTS[half:], LATENTS[:half]]))
    assert images.shape == (COUNT, 8, 12, 3)
    assert np.abs(images.astype(int) - expected).max() <= 1  # sums of another order


def test_equal_texts_are_one_prompt(tmp_path, parents):
    out = decoded(tmp_path / "out", parents)
    assert json.loads((out / "prompts.json").read_text()) == ["a cat", "ein Käfer"]
    assert np.load(out / "labels.npy").tolist() == [0, 0, 1, 1, 0, 0] * 2


def test_a_scaling_factor_of_one_is_taken_at_its_word(tmp_path, parents):
    vae = tiny_sd3.vae()
    vae.register_to_config(scaling_factor=1.0, shift_factor=None)
    vae.save_pretrained(tmp_path / "plain" / "vae")
    plain = decoded(tmp_path / "out", parents | {"vae": [tmp_path / "plain"]})
    scaled = decoded(tmp_path / "again", parents)
    assert (np.load(plain / "images.npy") != np.load(scaled / "images.npy")).any()


def test_shards_that_do_not_fit_are_refused(tmp_path, parents):
    with pytest.raises(UserError, match="the shards of this sample set do not fit together"):
        decoded(tmp_path / "out", parents | {"segment": parents["segment"][:1] * 2})


KILLED = """
import os, signal, sys
from pathlib import Path
import test_decode_prompts as test
from w2s.pipelines import decoding

whole, calls = decoding.decode, []

def decode(*args):
    calls.append(0)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*args)

decoding.decode = decode
root = Path(sys.argv[1])
parents = {"segment": [root / "segment-1", root / "segment-0"], "vae": [root / "vae"],
           "prompts": [root / "prompts"]}
test.decoded(Path(sys.argv[2]), parents)
"""


def test_a_killed_decoding_gives_the_same_bytes_on_the_next_run(tmp_path, parents):
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), *filter(None, sys.path)]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(parents["vae"][0].parent), str(tmp_path / "killed")],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    whole = decoded(tmp_path / "whole", parents)
    part, images = (np.load(tmp_path / n / "images.npy") for n in ("killed", "whole"))
    assert part.any()
    assert not np.array_equal(part, images)  # it was under way
    again = decoded(tmp_path / "again", parents)
    for file in whole.iterdir():
        assert file.read_bytes() == (again / file.name).read_bytes()

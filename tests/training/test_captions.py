"""An SD3 trains in the same loop as all others, captions for labels, and goes on where it was."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_run import SPEC, make_job, write_latents
from torch.testing import assert_close

from w2s.conditions.prompt_sets import text_hash
from w2s.data.csv_files import write_csv
from w2s.data.latents import Latents
from w2s.errors import OutOfTime, UserError
from w2s.training import loop
from w2s.training.batches import Batches
from w2s.training.conditions import conditioned

CAPTIONS = ["a red ring", "a blue star", "a star"]
MODEL = {
    "kind": "sd3", "sample_size": 4, "patch_size": 2, "in_channels": 2, "out_channels": 2,
    "num_layers": 3, "attention_head_dim": 8, "num_attention_heads": 2, "joint_attention_dim": 6,
    "caption_projection_dim": 16, "pooled_projection_dim": 5, "pos_embed_max_size": 4,
    "dual_attention_layers": [], "qk_norm": None,
}  # fmt: skip
PLAIN = SPEC | {"model": MODEL, "objective": {"name": "none"}, "head_weight": 0.0}


@pytest.fixture
def parents(tmp_path):
    latents = write_latents(tmp_path / "latents")
    index, table = tmp_path / "index", tmp_path / "embeddings"
    index.mkdir()
    table.mkdir()
    files = [f"{i}.png" for i in range(30)]
    write_csv(index / "index.csv", ["file"], [[f] for f in files])
    named = [[f, CAPTIONS[i % 3]] for i, f in reversed(list(enumerate(files)))]
    write_csv(index / "attributes.csv", ["file", "caption"], named)
    rng = np.random.default_rng(0)
    np.save(table / "text.npy", rng.normal(size=(4, 7, 6)).astype(np.float32))
    np.save(table / "pooled.npy", rng.normal(size=(4, 5)).astype(np.float32))
    facts = {
        "hashes": [text_hash(text) for text in CAPTIONS],
        "copies": [0, 0, 0],
        "rows": [2, 0, 1],
    }
    (table / "embeddings.json").write_text(json.dumps(facts))
    return {"latents": latents, "index": index, "embeddings": table}


def trained(tmp_path, parents, out="out", spec=PLAIN, **execution):
    job = make_job(tmp_path, out, spec, parents, **execution)
    loop.build(job)
    return job.out


def test_each_latent_has_the_row_of_its_caption(tmp_path, parents):
    job = make_job(tmp_path, "out", PLAIN, parents)
    labelled, source = conditioned(job, Latents([parents["latents"]]))
    assert labelled.labels.tolist() == [2, 0, 1] * 10
    batch = Batches(labelled, source, 0, 400, 0.25, True, torch.device("cpu")).at(0)
    text, pooled = batch.condition.given
    assert_close(pooled[batch.dropped], batch.condition.null[1][batch.dropped])
    assert_close(
        text[batch.dropped],
        torch.from_numpy(np.load(parents["embeddings"] / "text.npy"))[
            [3] * int(batch.dropped.sum())
        ],
    )
    assert 0.15 < batch.dropped.float().mean() < 0.35
    assert len({tuple(row.tolist()) for row in pooled}) == 4


def test_it_learns(tmp_path, parents):
    out = trained(tmp_path, parents, spec=PLAIN | {"steps": 200, "snapshots": [200]})
    losses = [float(line.split(",")[2]) for line in (out / "log.csv").read_text().splitlines()[1:]]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize(
    "objective",
    [
        {"name": "mg", "scale": 0.4},
        {"name": "slg", "scale": 0.3, "skip": [1]},
        {"name": "none"},
    ],
)
def test_a_stopped_run_goes_on_to_the_same_bytes(objective, tmp_path, parents, monkeypatch):
    spec = PLAIN | {"objective": objective}
    whole = load_file(trained(tmp_path, parents, "whole", spec) / "state.safetensors")
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    short = make_job(tmp_path, "cut", spec, parents, minutes=1e-4)
    with pytest.raises(OutOfTime):
        loop.build(short)
    loop.build(replace(short, execution=replace(short.execution, minutes=None)))
    again = load_file(short.out / "state.safetensors")
    assert whole.keys() == again.keys()
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_prompts_and_networks_that_do_not_fit_are_refused(tmp_path, parents):
    with pytest.raises(UserError, match=r"reads tokens and pooled vectors of widths \(8, 5\)"):
        trained(tmp_path, parents, "a", PLAIN | {"model": MODEL | {"joint_attention_dim": 8}})
    with pytest.raises(UserError, match="conditioned by labels and the data by something else"):
        trained(tmp_path, parents, "b", SPEC)
    latents = {"latents": parents["latents"]}
    with pytest.raises(UserError, match="conditioned by prompts and the data by something else"):
        trained(tmp_path, latents, "c", PLAIN)


def test_a_caption_without_an_embedding_is_refused(tmp_path, parents):
    named = [[f"{i}.png", "a brown heart"] for i in range(30)]
    write_csv(parents["index"] / "attributes.csv", ["file", "caption"], named)
    with pytest.raises(UserError, match="not among the prompts that were encoded"):
        trained(tmp_path, parents)
